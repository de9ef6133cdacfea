// Package e2e runs the client as its users do: as a binary, with a real buildkitd, a real registry, a Debian base and real npm
// packages. It needs root, and the programs that hack/deps installs.
package e2e
