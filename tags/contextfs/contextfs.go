// Package contextfs reads a project's directory as a stranger's.
package contextfs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// ErrOutside is the error of a path that leads out of the directory.
var ErrOutside = errors.New("it leaves the context")

// KindError is the error of what is neither a regular file nor a directory.
type KindError struct{ Mode fs.FileMode }

// Error says that it is not opened.
func (*KindError) Error() string { return "it is not a regular file" }

// FS is a directory. Links are followed as long as they stay in it, also if they are absolute: what lies outside is never opened,
// and is ErrOutside whether it is there or not. No Open blocks: what is neither a regular file nor a directory is a *KindError.
//
// The directory is opened for each question: who holds it open keeps it from being removed or unmounted.
type FS struct {
	dir string // absolute, without links
}

// New gives the file system of a directory.
func New(dir string) (*FS, error) {
	dir, err := filepath.Abs(dir)
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &FS{dir}, root.Close()
}

// within asks a question of the directory, about where the links of a path lead.
func within[T any](c *FS, name string, ask func(root *os.Root, real string) (T, error)) (answer T, err error) {
	real, err := c.Real(name)
	if err != nil {
		return answer, err
	}
	root, err := os.OpenRoot(c.dir)
	if err != nil {
		return answer, err
	}
	defer root.Close()
	return ask(root, filepath.FromSlash(real))
}

// Open implements fs.FS.
func (c *FS) Open(name string) (fs.File, error) {
	return within(c, name, func(root *os.Root, real string) (fs.File, error) {
		return OpenRegular(real, root.Stat, func(flags int) (*os.File, error) { return root.OpenFile(real, flags, 0) })
	})
}

// Stat implements fs.StatFS.
func (c *FS) Stat(name string) (fs.FileInfo, error) { return within(c, name, (*os.Root).Stat) }

// ReadDir implements fs.ReadDirFS.
func (c *FS) ReadDir(name string) ([]fs.DirEntry, error) {
	return within(c, name, func(root *os.Root, real string) ([]fs.DirEntry, error) {
		return fs.ReadDir(root.FS(), filepath.ToSlash(real))
	})
}

// Real is where the links of a path lead, relative to the directory. os.Root does not follow absolute links, which may well stay in
// the directory.
func (c *FS) Real(name string) (string, error) {
	fault := func(err error) (string, error) { return "", &fs.PathError{Op: "open", Path: name, Err: err} }
	if !fs.ValidPath(name) {
		return fault(fs.ErrInvalid)
	}
	file := filepath.Join(c.dir, filepath.FromSlash(name))
	real, err := filepath.EvalSymlinks(file)
	if err == nil {
		real, err = filepath.Rel(c.dir, real)
	}
	switch {
	case err == nil && filepath.IsLocal(real):
		return filepath.ToSlash(real), nil
	case err == nil, c.leaves(name):
		return fault(ErrOutside)
	}
	if _, statErr := os.Stat(file); statErr != nil {
		err = statErr // it knows a circle of links by its number
	}
	var at *fs.PathError
	if errors.As(err, &at) {
		err = at.Err // it names the directory, too
	}
	return fault(err)
}

// leaves reports whether the links of a path that leads to nothing lead out of the directory. It looks at nothing outside.
func (c *FS) leaves(name string) bool {
	at, rest := c.dir, strings.Split(name, "/")
	for links := 0; len(rest) > 0 && links < 255; { // the kernel gives up earlier
		next := filepath.Join(at, rest[0])
		rest = rest[1:]
		if !c.holds(next) {
			return true
		}
		target, err := os.Readlink(next)
		if err != nil {
			at = next
			continue
		}
		links++
		if filepath.IsAbs(target) {
			if !c.holds(target) {
				return true
			}
			at, target = c.dir, strings.TrimPrefix(filepath.Clean(target), c.dir)
		}
		rest = append(strings.Split(filepath.ToSlash(target), "/"), rest...)
	}
	return false
}

// holds reports whether a path, links apart, lies in the directory.
func (c *FS) holds(file string) bool {
	rel, err := filepath.Rel(c.dir, file)
	return err == nil && filepath.IsLocal(rel)
}

// OpenRegular opens a regular file or a directory. It looks before: opening a device may do something. It looks again after, at
// what was opened: which is why the flags say that the opening must not block.
func OpenRegular(name string, stat func(string) (fs.FileInfo, error), open func(flags int) (*os.File, error)) (fs.File, error) {
	info, err := stat(name)
	if err != nil {
		return nil, err
	}
	if err := regularOrDir(name, info); err != nil {
		return nil, err
	}
	f, err := open(os.O_RDONLY | syscall.O_NONBLOCK)
	if err != nil {
		return nil, err
	}
	if info, err = f.Stat(); err == nil {
		err = regularOrDir(name, info)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

func regularOrDir(name string, info fs.FileInfo) error {
	if info.Mode().IsRegular() || info.IsDir() {
		return nil
	}
	return &fs.PathError{Op: "open", Path: name, Err: &KindError{info.Mode()}}
}
