// Package testenv brings up the real parts that end-to-end tests and benchmarks run against: the programs under test and
// buildx as binaries, a buildkitd with an empty state, in our version or one of those in hack/buildkit, a registry whose traffic
// is counted and whose faults can be chosen, public or private, and Debian base images. Nothing here stands in for anything:
// what a fault replaces is an answer on the wire.
package testenv
