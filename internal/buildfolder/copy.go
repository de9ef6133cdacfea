package buildfolder

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/rtbuild/rtbuild/internal/profile"
	"github.com/rtbuild/rtbuild/internal/project"
	"github.com/rtbuild/rtbuild/internal/projectfile"
	"github.com/rtbuild/rtbuild/internal/solve"
	"github.com/rtbuild/rtbuild/tags"
)

// copyProject writes code/: all files that are hashed or copied, the lock files, and the files in more.
func (f *Folder) copyProject(ctx context.Context, more []string) error {
	tree, err := wholeTree(ctx, f.project)
	if err != nil {
		return err
	}
	code, err := os.OpenRoot(f.staged(codeDir))
	if err != nil {
		return f.failed(err)
	}
	defer code.Close()
	hashed, err := solve.NewLocal(tree.Root, slices.Concat(tree.Entries, tree.LockFiles), solve.Installation{})
	if err != nil {
		return err
	}
	defer hashed.Close()
	c := &copier{from: tree.Root, plain: f.project.Files, hashed: hashed, to: code, failed: f.failed}
	for _, e := range tree.Entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := c.entry(e); err != nil {
			return err
		}
	}
	if err := c.files(slices.Concat(tags.Paths(tree.LockFiles), more)); err != nil {
		return err
	}
	return c.paths(f.project.Runtime.Source)
}

// wholeTree returns the project's tree, including files that are hashed but not copied into the image.
func wholeTree(ctx context.Context, p *project.Project) (*tags.Tree, error) {
	if len(p.Inputs.Source.NoCopy) == 0 {
		return p.Tree, nil
	}
	in := p.Inputs
	in.Source.NoCopy = nil
	_, tree, err := tags.Compute(ctx, p.Root, in)
	return tree, err
}

// copier copies files of a project into a directory. It follows no link in that directory.
type copier struct {
	from   string
	plain  fs.FS        // the same directory, without following links that leave it
	hashed *solve.Local // the files in it that were hashed
	to     *os.Root
	failed func(error) error // adds to a write error what to do
}

// entry copies one entry of a tree. Its directory must have been copied before.
func (c *copier) entry(e tags.Entry) error {
	switch name := filepath.FromSlash(e.Path); {
	case e.Link != "":
		return c.failed(c.to.Symlink(e.Link, name))
	case e.Mode.IsDir():
		return c.failed(c.to.Mkdir(name, 0o755))
	default:
		return c.file(name, e.Mode.Perm())
	}
}

// files copies files, unless they were copied before.
func (c *copier) files(names []string) error {
	for _, name := range names {
		_, err := c.to.Stat(name)
		if err == nil {
			continue
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return c.failed(err)
		}
		if err := c.to.MkdirAll(path.Dir(name), 0o755); err != nil {
			return c.failed(err)
		}
		if err := c.file(filepath.FromSlash(name), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// paths creates the source paths of which nothing was copied, because a runtime file must not name a missing path. Their content is
// ignored, so they may be empty.
func (c *copier) paths(source []profile.Source) error {
	for _, s := range source {
		name := filepath.FromSlash(s.Path)
		info, err := os.Stat(filepath.Join(c.from, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue // it is optional
		}
		if err != nil {
			return fmt.Errorf("copying a file of the project: %w", err)
		}
		if _, err := c.to.Stat(name); err == nil {
			continue
		}
		dir := name
		if !info.IsDir() {
			dir = filepath.Dir(name)
		}
		if err := c.to.MkdirAll(dir, 0o755); err != nil {
			return c.failed(err)
		}
		if !info.IsDir() {
			if err := c.to.WriteFile(name, nil, 0o644); err != nil {
				return c.failed(err)
			}
		}
	}
	return nil
}

// file copies a file. If it was hashed before, the hash must not have changed. Other files only matter for reading the runtime
// file; check compares those later.
func (c *copier) file(name string, mode fs.FileMode) error {
	from, err := c.open(name)
	if err != nil {
		return fmt.Errorf("copying a file of the project: %w", err)
	}
	defer from.Close()
	to, err := c.to.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return c.failed(err)
	}
	_, err = io.Copy(to, from)
	if closeErr := to.Close(); err == nil {
		err = closeErr
	}
	if changed := c.hashed.Changed(); changed != nil {
		return changed
	}
	return c.failed(err)
}

func (c *copier) open(name string) (io.ReadCloser, error) {
	if c.hashed.Has(filepath.ToSlash(name)) {
		return c.hashed.Open(name)
	}
	data, err := projectfile.ReadFile(c.plain, filepath.ToSlash(name), projectfile.LockLimit)
	return io.NopCloser(bytes.NewReader(data)), err
}
