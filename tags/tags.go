// Package tags turns a runtime's inputs into the names of its images.
//
// The tags are those of OpenHands' runtime_build.py ("the original"), byte for byte, wherever a registry accepts them.
// Both programs can therefore share a repository. Where the original yields no valid tag, or an unusable one, this package
// has a rule of its own. A named test records each departure (departures_test.go).
//
// Section numbers in comments refer to the description of the original that accompanies the test vectors:
//
//	1 inputs, 2 shortening, 3 repository and tag of a base image, 4 lock hash, 5 versioned part, 6 source hash, 7 image names
//
// One walk hashes the source tree and lists the files to copy, so an image holds exactly the files that were hashed.
//
// The package reads the source tree and the lock files, and nothing else: no network, no environment, no clock.
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
	Repository string // where the images are published; may be empty if only tags are needed
	Version    string
	NoBrowser  bool // the original's enable_browser=False, part of the lock hash

	// LockFiles are hashed in this order. Each is searched for in the directories LookIn, in that order. The directories
	// are relative to the context and slash-separated; an empty list means "." alone.
	LockFiles []string
	LookIn    []string

	Source Source

	// LockExtra and SourceExtra hold the inputs that the original does not know and that differ from their defaults. They
	// enter the lock hash and the source hash as canonical JSON (RFC 8785). Empty maps do not change the hashes.
	LockExtra   map[string]any
	SourceExtra map[string]any

	// DepsExtra holds inputs of the deps image that are in no tag, such as mirrors. They change only Tree.DepsDigest.
	DepsExtra map[string]any

	// Build is set if a command makes files of the source. It runs in an image of its own, the build image.
	Build bool
}

// Set holds the names of a runtime's images.
type Set struct {
	Repository string `json:"repository"`
	Version    string `json:"version"`         // as given
	Lock       string `json:"lock"`            // the deps image of exactly these lock files
	Versioned  string `json:"versioned"`       // the deps image of this base and version
	Build      string `json:"build,omitempty"` // the build image of exactly these lock files; empty: nothing is built
	Source     string `json:"source"`
	Runtime    string `json:"runtime"` // the original's name for config.sh: section 3
	Images     Images `json:"images"`
}

// Images holds the full references of a Set, "repository:tag". All are empty if the Set has no repository.
type Images struct {
	Lock      string `json:"lock"`
	Versioned string `json:"versioned"`
	Build     string `json:"build,omitempty"`
	Source    string `json:"source"`
}

// Compute returns the tags of the runtime whose project root is the directory root, and the source tree to copy into it.
// root may be a link to a directory.
//
// An invalid text (base image, repository, version, pattern) is an *InputError. A file of the context that cannot be
// hashed is a *PathError. Both say what to do. If several files are at fault, the error names the one with the smallest
// path. If ctx is cancelled, Compute returns ctx.Err().
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

// locksOf hashes the lock files of fsys, or of the context dir if fsys is nil.
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

// Scan reads only the source tree. The result does not depend on a base image, so one scan serves many. It returns the
// errors of Compute.
func Scan(ctx context.Context, root string, src Source) (*Tree, error) {
	dir, err := contextDir(root)
	if err != nil {
		return nil, err
	}
	return scan(ctx, dir, src)
}

// Names returns the tags of a runtime whose source was scanned, and sets the tree's LockFiles and DepsDigest. The lock files
// are read from fsys, the project's root; nil means the scanned directory. It returns the errors of Compute.
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

// contextDir returns the absolute path of the directory root, with links resolved.
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
