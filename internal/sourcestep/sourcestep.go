// Package sourcestep hashes a source tree inside the builder, with the client's code. It runs as a step of the build, in the frontend's own
// image. So the builder's cache covers it, and no file crosses the connection between builder and frontend.
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

// First arguments that make the frontend's program run a step instead of serving a build. The second argument is an Order as JSON.
const (
	HashCommand        = "hash"        // writes a Report to ReportDir
	MaterializeCommand = "materialize" // writes the files to copy into the image to TreeDir
)

// Directories of a step: its input and its outputs.
const (
	ContextDir = "/context"
	TreeDir    = "/tree"
	ReportDir  = "/report"
)

// Files of ReportDir.
const (
	ReportFile = "report.json" // a Report
	PathsFile  = "paths.json"  // the paths of all files to copy
)

// Order is the input of a step.
type Order struct {
	tags.Source
	Digests []string // the paths whose digests the report must hold
}

// Report is the result of [HashCommand]. Either Error or Tree is set.
type Report struct {
	Tree  *tags.Tree `json:"tree,omitempty"` // without entries
	Exact bool       `json:"exact"`          // the context holds only the files to copy
	Error string     `json:"error,omitempty"`
	// Digests are the SHA-256 digests of those files of Order.Digests that are copied, in hexadecimal, by path.
	Digests map[string]string `json:"digests,omitempty"`
}

// IsStep reports whether a program's arguments ask for a step.
func IsStep(args []string) bool {
	return len(args) == 2 && (args[0] == HashCommand || args[0] == MaterializeCommand)
}

// Run runs the step that args name, in the directories at the root of the step's container; see [IsStep]. Its errors are those of [RunIn].
func Run(ctx context.Context, args []string) error {
	return RunIn(ctx, args, Dirs{Context: ContextDir, Tree: TreeDir, Report: ReportDir})
}

// Dirs are the directories of a step. Tests replace those at the root.
type Dirs struct{ Context, Tree, Report string }

// RunIn runs a step in given directories. [HashCommand] writes an error in the source to the report and returns nil, so that the caller
// gets the message without BuildKit's text around it. RunIn returns an error, without a type, if the argument cannot be parsed, or if the
// report or the tree cannot be written.
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

// isExact reports whether the context holds exactly the entries of the tree, as they are to be copied. It ignores time stamps, and mode
// bits that the copy normalises.
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

// isAs reports whether an entry of the context is the same as its copy.
func isAs(d fs.DirEntry, e tags.Entry) (bool, error) {
	switch {
	case e.Path == "" || d.Type() != e.Mode.Type():
		return false, nil
	case !d.Type().IsRegular():
		return true, nil // a link that is copied as a link keeps its target
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

// materialize writes the tree's entries below dir, with normalised modes and one time stamp: equal sources give equal trees.
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

// copyFile copies a file. The kernel copies the data where it can.
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
