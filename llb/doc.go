// Package llb is what an agent runtime image is made of: a [Runtime] and the image that a build enters on in, a BuildKit graph and an
// image config out.
//
// A runtime is a pipeline of stages, each a list of layers on the one before:
//
//	base ── system ── tools ── deps ──┬── source ── extra
//
// A variant is the place where a build enters it: see [Graph.UpTo], [Graph.Versioned] and [Graph.SourceLayers].
//
// The package is pure: it reads no clock, environment, network or disk. What must be fetched is listed before a graph is drawn. It
// imports no other package of rtbuild but the names of labels. Components of the image are one file each.
//
// Callers import it as llb. In a file that needs BuildKit's package of that name as well, BuildKit's is called bkllb.
package llb

// Recipe is the number of the recipe that system, tools and deps are made by. It is raised by hand whenever the golden
// graphs of these stages change, so that images say which recipe they came from; a test ties the two together.
const Recipe = 3
