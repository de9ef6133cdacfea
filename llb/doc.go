// Package llb builds the LLB graph and the image config of an agent runtime image. Its inputs are a [Runtime] and the entry image: the
// image that a build starts from.
//
// The stages of a runtime follow each other. Each stage is a list of layers on top of the one before:
//
//	base ── system ── tools ── deps ──┬── source ── extra
//
// A variant says at which stage a build starts: see [Graph.UpTo], [Graph.Versioned] and [Graph.SourceLayers].
//
// The package is pure: it reads no clock, environment, network or disk. [Layers.Downloads] lists the files that a caller may fetch before
// it draws the graph. Of rtbuild's packages, llb imports only tags/labels. Each component of an image has a file of its own.
//
// Callers import the package as llb. A file that also needs BuildKit's package of that name imports BuildKit's as bkllb.
package llb

// Recipe is the version of the steps that make the stages system, tools and deps. A label of each image records it. Raise it by hand
// whenever the golden graphs of these stages change; a test ties the two together.
const Recipe = 6
