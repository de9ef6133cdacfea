// Package llb is what an agent runtime image is made of: a runtime and a variant in, a BuildKit graph and an image
// config out.
//
// A runtime is a pipeline of stages, each a list of layers on the one before:
//
//	base ── system ── tools ── deps ──┬── source ── extra
//
// A variant is the place where a build enters it: see [Graph.Scratch], [Graph.Versioned] and [Graph.Lock].
//
// The package is pure: it knows no clock, environment, network or disk. Components of the image are one file each.
package llb

// Recipe is the number of the recipe that system, tools and deps are made by. It is raised by hand whenever the golden
// graphs of these stages change, so that images say which recipe they came from; a test ties the two together.
const Recipe = 2
