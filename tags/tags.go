// Package tags turns a runtime's inputs into the names of its images.
//
// The scheme is that of OpenHands' runtime_build.py, byte for byte wherever the original gives a tag that a registry
// accepts, so that both can share a repository. Where it gives none, or does something nobody could want, ours is a
// rule of its own; each such departure is a named test (departures_test.go). Section numbers in comments are those of
// the description of the original that the test vectors came with:
//
//	1 inputs, 2 shortening, 3 repository and tag of a base image, 4 lock hash, 5 versioned part, 6 source hash
//
// The same walk that hashes the source tree lists what is copied into an image, so that an image holds exactly the
// list that was hashed.
//
// The package reads the source tree and the lock files and nothing else: no network, no environment, no clock.
package tags

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/rtbuild/rtbuild/tags/contextfs"
)

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

	// DepsExtra are inputs of the deps image that are in no tag, such as mirrors. They count for Tree.DepsDigest alone.
	DepsExtra map[string]any
}

// Set is the names of a runtime's images.
type Set struct {
	Repository string `json:"repository"`
	Version    string `json:"version"`   // as it was given
	Lock       string `json:"lock"`      // the deps image of these very lock files
	Versioned  string `json:"versioned"` // the deps image of this base and version
	Source     string `json:"source"`
	Runtime    string `json:"runtime"` // the original's name for config.sh: section 3
	Images     Images `json:"images"`
}

// Images are the full references of a Set, "repository:tag"; all empty where there is no repository.
type Images struct {
	Lock      string `json:"lock"`
	Versioned string `json:"versioned"`
	Source    string `json:"source"`
}

// Compute gives the tags of the runtime whose project root is the directory root (a link to one is followed), and the
// source tree that is copied into it.
//
// What is wrong with a text (base image, repository, version, pattern) is an *InputError, what is wrong with a file of
// the context a *PathError; both say what to do. Where several files are at fault the error names the one with the
// smallest path, whichever was met first. A cancelled ctx gives ctx.Err().
func Compute(ctx context.Context, root string, in Inputs) (Set, *Tree, error) {
	n, err := newNamer(in)
	if err != nil {
		return Set{}, nil, err
	}
	dir, err := contextDir(root)
	if err != nil {
		return Set{}, nil, err
	}
	locks, lock, err := locksOf(ctx, dir, nil, in)
	if err != nil {
		return Set{}, nil, err
	}
	tree, err := scan(ctx, dir, in.Source)
	if err != nil {
		return Set{}, nil, err
	}
	source, err := sourceHash(tree.Digest, in.SourceExtra)
	if err != nil {
		return Set{}, nil, err
	}
	tree.LockFiles = locks
	tree.DepsDigest, err = depsDigest(in, locks)
	return n.set(lock, source), tree, err
}

// locksOf hashes the lock files of fsys, or of the context dir if that is nil.
func locksOf(ctx context.Context, dir string, fsys fs.FS, in Inputs) ([]Entry, string, error) {
	if fsys != nil {
		return hashLocks(ctx, fsys, in)
	}
	root, err := contextfs.New(dir)
	if err != nil {
		return nil, "", err
	}
	return hashLocks(ctx, root, in)
}

// Scan reads the source tree alone: what does not depend on a base, so that one scan serves many. Its errors are those of
// Compute.
func Scan(ctx context.Context, root string, src Source) (*Tree, error) {
	dir, err := contextDir(root)
	if err != nil {
		return nil, err
	}
	return scan(ctx, dir, src)
}

// Names gives the tags of a runtime whose source was scanned. The lock files are looked for in fsys, the project's root; nil
// is the directory that was scanned.
func (t *Tree) Names(ctx context.Context, fsys fs.FS, in Inputs) (Set, error) {
	n, err := newNamer(in)
	if err != nil {
		return Set{}, err
	}
	locks, lock, err := locksOf(ctx, t.Root, fsys, in)
	if err != nil {
		return Set{}, err
	}
	source, err := sourceHash(t.Digest, in.SourceExtra)
	if err != nil {
		return Set{}, err
	}
	t.LockFiles = locks
	t.DepsDigest, err = depsDigest(in, locks)
	return n.set(lock, source), err
}

// contextDir is the absolute path of the directory root, without links.
func contextDir(root string) (string, error) {
	dir, err := filepath.Abs(root)
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err == nil {
		err = isDir(dir)
	}
	if err != nil {
		return "", &InputError{Input: "context", Value: root, Err: cause(err), Fix: "name the directory of the project"}
	}
	return dir, nil
}

func isDir(name string) error {
	info, err := os.Stat(name)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%w: not a directory", ErrKind)
	}
	return err
}
