// Package testenv provides the real parts for end-to-end tests and benchmarks. It builds the programs under test and buildx. It
// starts buildkitd with an empty state, in the current version or in one of hack/buildkit. It starts public and private
// registries, which count traffic and can inject faults, and makes Debian base images.
//
// The package contains no fakes: a fault replaces only a registry's response.
package testenv
