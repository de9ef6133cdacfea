// Package testenv brings up the real parts that end-to-end tests and benchmarks run against: the client as a binary, a
// buildkitd with an empty state, a registry whose traffic is counted and whose faults can be chosen, and a Debian base
// image. Nothing here stands in for anything: what a fault replaces is an answer on the wire.
package testenv
