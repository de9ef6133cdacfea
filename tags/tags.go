// Package tags turns a runtime's inputs into the names of its images.
//
// The scheme is that of OpenHands' runtime_build.py, byte for byte wherever the original gives a tag that a registry
// accepts, so that both can share a repository. See the package's tests for every departure.
//
// The package reads the source tree and nothing else: no network, no environment, no clock.
package tags

import "context"

// Inputs is everything that the tags of a runtime depend on.
type Inputs struct {
	Base       string // the base image as the user wrote it
	Repository string // where the images live; may be empty for tags alone
	Version    string
	NoBrowser  bool // the original's enable_browser=False, part of the lock hash

	// LockFiles are hashed in this order. Each is looked for in the directories LookIn (relative to the context,
	// slash-separated; "." alone if empty), in that order.
	LockFiles []string
	LookIn    []string

	Source Source

	// Inputs that the original left out, where they are not at their default: JSON objects that are written, by
	// RFC 8785, into the lock hash and the source hash. Empty maps leave no trace.
	LockExtra   map[string]any
	SourceExtra map[string]any
}

// Source says which files are hashed and copied.
type Source struct {
	Paths []Path
	// Rules judges paths. Original is the rule set of the original (section 6.1: hidden directories, __pycache__,
	// *.pyc); otherwise Ignore, in the syntax of .dockerignore, says which paths are neither hashed nor copied.
	Original bool
	Ignore   []string
	// NoCopy are names (path.Match on the last component) that are hashed but not copied: *.md in profile openhands.
	NoCopy []string
}

// Path is a file or directory of the source, relative to the context and slash-separated.
type Path struct {
	Path     string `json:"path"`
	Hash     bool   `json:"hash"`
	Optional bool   `json:"-"` // no error where it does not exist
}

// Set is the names of a runtime's images.
type Set struct {
	Repository string `json:"repository"`
	Version    string `json:"version"`
	Lock       string `json:"lock"`      // the deps image of these very lock files
	Versioned  string `json:"versioned"` // the deps image of this base and version
	Source     string `json:"source"`
	Runtime    string `json:"runtime"` // the original's name for config.sh: section 3
	Images     Images `json:"images"`
}

// Images are the full references of a Set, "repository:tag".
type Images struct {
	Lock      string `json:"lock"`
	Versioned string `json:"versioned"`
	Source    string `json:"source"`
}

// Compute gives the tags of the runtime whose project root is the directory context, and the source tree that is
// copied into it.
func Compute(ctx context.Context, root string, in Inputs) (Set, *Tree, error) {
	panic("not yet")
}
