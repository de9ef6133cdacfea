// Package sourcestep hashes a source tree inside the builder, by the same code that the client hashes it with. It runs as a step
// of the build, in the frontend's own image: so the builder's cache knows when nothing has changed, and no file crosses
// the connection between builder and frontend.
package sourcestep

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rtbuild/rtbuild/tags"
)

// The first argument with which the frontend's program does a step instead of serving a build. The second is an Order as JSON.
const (
	HashCommand        = "hash"        // a Report in ReportDir
	MaterializeCommand = "materialize" // what is copied into the image in TreeDir
)

// Where a step finds the context, and leaves what it makes.
const (
	ContextDir = "/context"
	TreeDir    = "/tree"
	ReportDir  = "/report"
)

// Files of ReportDir.
const (
	ReportFile = "report.json" // a Report
	PathsFile  = "paths.json"  // the paths of all files that are copied
)

// Order says what a step does.
type Order struct {
	tags.Source
	Digests []string // the paths whose digests the report gives
}

// Report is what a step says. Either Error is set or Tree.
type Report struct {
	Tree  *tags.Tree `json:"tree,omitempty"` // without entries
	Exact bool       `json:"exact"`          // the context holds what is copied, and nothing else
	Error string     `json:"error,omitempty"`
	// Digests are the SHA-256 of the files that the order names and that are copied, in hexadecimal digits, by path.
	Digests map[string]string `json:"digests,omitempty"`
}

// IsStep reports whether a program's arguments ask for a step.
func IsStep(args []string) bool {
	return len(args) == 2 && (args[0] == HashCommand || args[0] == MaterializeCommand)
}

// Run does a step.
func Run(ctx context.Context, args []string) error {
	return RunIn(ctx, args, Dirs{Context: ContextDir, Tree: TreeDir, Report: ReportDir})
}

// Dirs are where a step finds the context, and leaves what it makes. Tests have none at the root.
type Dirs struct{ Context, Tree, Report string }

// RunIn does a step in directories. What is wrong with the source is reported and no error, so that its reader gets the message alone.
func RunIn(ctx context.Context, args []string, dirs Dirs) error {
	order := Order{}
	if err := json.Unmarshal([]byte(args[1]), &order); err != nil {
		return fmt.Errorf("%s: reading the argument: %w", args[0], err)
	}
	order.Confined = true
	tree, err := tags.Scan(ctx, dirs.Context, order.Source)
	switch {
	case args[0] == HashCommand && err != nil:
		return writeJSON(filepath.Join(dirs.Report, ReportFile), Report{Error: err.Error()})
	case err != nil:
		return err
	case args[0] == HashCommand:
		return report(tree, order.Digests, dirs.Report)
	}
	if err := materialize(ctx, tree, dirs.Tree); err != nil {
		return fmt.Errorf("materializing the source: %w", err)
	}
	return nil
}

func report(t *tags.Tree, digests []string, dir string) error {
	exact, err := isExact(t)
	if err != nil {
		return err
	}
	paths := []string{}
	for _, e := range t.Entries {
		if !e.Mode.IsDir() {
			paths = append(paths, e.Path)
		}
	}
	if err := writeJSON(filepath.Join(dir, PathsFile), paths); err != nil {
		return err
	}
	asked := digestsOf(t, digests)
	t.Entries, t.Root = nil, ""
	return writeJSON(filepath.Join(dir, ReportFile), Report{Tree: t, Exact: exact, Digests: asked})
}

func digestsOf(t *tags.Tree, paths []string) map[string]string {
	digests := map[string]string{}
	for _, e := range t.Entries {
		if e.Mode.IsRegular() && slices.Contains(paths, e.Path) {
			digests[e.Path] = hex.EncodeToString(e.SHA256[:])
		}
	}
	return digests
}

// isExact reports whether the context holds the tree's entries, as they are copied, and nothing else. Time stamps, and modes
// as far as the copy makes them equal, do not count.
func isExact(t *tags.Tree) (bool, error) {
	wanted := make(map[string]tags.Entry, len(t.Entries))
	for _, e := range t.Entries {
		wanted[e.Path] = e
	}
	seen, exact := 0, true
	err := filepath.WalkDir(t.Root, func(file string, d fs.DirEntry, err error) error {
		if err != nil || file == t.Root {
			return err
		}
		name, err := filepath.Rel(t.Root, file)
		if err != nil {
			return err
		}
		same, err := isAs(d, wanted[filepath.ToSlash(name)])
		if seen++; err == nil && !same {
			exact = false
			return fs.SkipAll
		}
		return err
	})
	return exact && seen == len(t.Entries), err
}

// isAs reports whether an entry of the context is copied as it is.
func isAs(d fs.DirEntry, e tags.Entry) (bool, error) {
	switch {
	case e.Path == "" || d.Type() != e.Mode.Type():
		return false, nil
	case !d.Type().IsRegular():
		return true, nil // a link that stays one has its own text
	}
	info, err := d.Info()
	if err != nil {
		return false, err
	}
	return (info.Mode()&0o111 != 0) == (e.Mode&0o111 != 0), nil
}

func writeJSON(name string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return os.WriteFile(name, data, 0o600)
}

// materialize makes the tree's entries below dir, with normalised modes and one time stamp: equal sources give equal trees.
func materialize(ctx context.Context, t *tags.Tree, dir string) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(2 * runtime.GOMAXPROCS(0))
	for _, e := range t.Entries { // parents first
		to := filepath.Join(dir, filepath.FromSlash(e.Path))
		switch {
		case e.Link != "":
			if err := os.Symlink(e.Link, to); err != nil {
				return err
			}
		case e.Mode.IsDir():
			if err := os.Mkdir(to, e.Mode.Perm()); err != nil {
				return err
			}
		default:
			group.Go(func() error {
				if err := ctx.Err(); err != nil {
					return err
				}
				return copyFile(filepath.Join(t.Root, filepath.FromSlash(e.Path)), to, e.Mode.Perm())
			})
		}
	}
	return group.Wait()
}

// copyFile leaves the copying to the kernel where it can do it.
func copyFile(from, to string, mode fs.FileMode) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	if err := out.Close(); err != nil {
		return err
	}
	return os.Chtimes(to, time.Time{}, time.Unix(0, 0))
}
