// Package collect hashes a source tree inside the builder, by the same code that the client hashes it with, and lays out
// what is copied into an image. It runs as a step of the build, in the frontend's own image: so the builder's cache knows
// when nothing has changed, and no file crosses the connection between builder and frontend.
package collect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rtbuild/rtbuild/tags"
)

// Command is the argument with which the frontend's program collects instead of serving a build.
const Command = "collect"

// Where a step finds the context, and leaves the tree and what it says of it.
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

// Report is what a step says. Either Error is set or Tree.
type Report struct {
	Tree  *tags.Tree `json:"tree,omitempty"` // without entries
	Error string     `json:"error,omitempty"`
}

// Run is the program of the step: args is a tags.Source as JSON. What is wrong with the source is reported and no error, so
// that its reader gets the message alone.
func Run(ctx context.Context, args []string) error {
	if len(args) != 1 {
		return errors.New("collect: one argument is wanted, the source as JSON")
	}
	var src tags.Source
	if err := json.Unmarshal([]byte(args[0]), &src); err != nil {
		return fmt.Errorf("collect: reading the argument: %w", err)
	}
	return into(ctx, src, ContextDir, TreeDir, ReportDir)
}

func into(ctx context.Context, src tags.Source, from, tree, report string) error {
	src.Confined = true
	t, err := tags.Scan(ctx, from, src)
	if err != nil {
		return writeJSON(filepath.Join(report, ReportFile), Report{Error: err.Error()})
	}
	if err := layOut(ctx, t, tree); err != nil {
		return fmt.Errorf("collecting the source: %w", err)
	}
	paths := []string{}
	for _, e := range t.Entries {
		if !e.Mode.IsDir() {
			paths = append(paths, e.Path)
		}
	}
	if err := writeJSON(filepath.Join(report, PathsFile), paths); err != nil {
		return err
	}
	t.Entries, t.Root = nil, ""
	return writeJSON(filepath.Join(report, ReportFile), Report{Tree: t})
}

func writeJSON(name string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return os.WriteFile(name, data, 0o600)
}

// layOut makes the tree's entries below dir, with normalised modes and one time stamp: equal sources give equal trees.
func layOut(ctx context.Context, t *tags.Tree, dir string) error {
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
