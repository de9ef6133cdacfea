// Package contextfs reads a project's directory without trusting it: links cannot lead out of it, and special files are never
// opened.
package contextfs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// ErrOutside means that a path leads out of the directory.
var ErrOutside = errors.New("it leaves the context")

// KindError reports a path that is neither a regular file nor a directory.
type KindError struct{ Mode fs.FileMode }

// Error says that the path is not a regular file.
func (*KindError) Error() string { return "it is not a regular file" }

// FS is a file system rooted at a directory. It follows links, absolute ones too, that stay in the directory. A path outside
// is never opened and is ErrOutside, whether it exists or not. Opening never blocks: a path that is neither a regular file
// nor a directory is a *KindError.
//
// FS opens the directory anew for each call. An open directory could not be unmounted.
type FS struct {
	dir string // absolute, without links
}

// New returns the file system of a directory.
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

// within calls ask with the opened directory and the path name with its links resolved.
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

// Real returns a path with its links resolved, relative to the directory. Unlike os.Root, it follows absolute links that stay
// in the directory. The error is an *fs.PathError; it wraps ErrOutside if the path leaves the directory.
func (c *FS) Real(name string) (string, error) {
	fault := func(err error) (string, error) { return "", &fs.PathError{Op: "open", Path: name, Err: err} }
	if !fs.ValidPath(name) {
		return fault(fs.ErrInvalid)
	}
	file := filepath.Join(c.dir, filepath.FromSlash(name))
	real, err := filepath.EvalSymlinks(file)
	if err == nil {
		err = CheckCase(c.dir, name)
	}
	if err == nil {
		real, err = filepath.Rel(c.dir, real)
	}
	switch {
	case err == nil && filepath.IsLocal(real):
		return filepath.ToSlash(real), nil
	case err == nil, c.leaves(name):
		return fault(ErrOutside)
	}
	if _, statErr := os.Stat(file); statErr != nil && !errors.Is(err, fs.ErrNotExist) {
		err = statErr // unlike EvalSymlinks, it returns ELOOP
	}
	var at *fs.PathError
	if errors.As(err, &at) {
		err = at.Err // its path includes the directory
	}
	return fault(err)
}

// leaves reports whether a path that leads nowhere leaves the directory. It does not access anything outside.
func (c *FS) leaves(name string) bool {
	at, rest := c.dir, strings.Split(name, "/")
	for links := 0; len(rest) > 0 && links < 255; { // the kernel follows fewer links
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

// holds reports whether a path is in the directory if no component is a link.
func (c *FS) holds(file string) bool {
	rel, err := filepath.Rel(c.dir, file)
	return err == nil && filepath.IsLocal(rel)
}

// OpenRegular opens a regular file or a directory; anything else is a *KindError. It checks the type before opening, because
// opening a device can have side effects, and again after opening, in case the file was replaced. The flags make opening a
// pipe nonblocking.
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
