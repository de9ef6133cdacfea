package tags

import (
	"io/fs"
	"os"
	"path/filepath"
)

// contextFS is a context directory. Links are followed as long as they stay in it: what lies outside is never opened. An
// open file may be of any kind; a named pipe is not waited for.
type contextFS struct {
	dir  string // absolute, without links
	root *os.Root
}

func openContext(dir string) (*contextFS, error) {
	root, err := os.OpenRoot(dir)
	return &contextFS{dir, root}, err
}

func (c *contextFS) close() { _ = c.root.Close() }

// Open implements fs.FS. A link that leaves the context is errOutside.
func (c *contextFS) Open(name string) (fs.File, error) {
	real, err := c.real(name)
	if err != nil {
		return nil, err
	}
	return c.root.OpenFile(filepath.FromSlash(real), os.O_RDONLY|openFlags, 0)
}

// Stat implements fs.StatFS.
func (c *contextFS) Stat(name string) (fs.FileInfo, error) {
	real, err := c.real(name)
	if err != nil {
		return nil, err
	}
	return c.root.Stat(filepath.FromSlash(real))
}

// real is where the links of a path lead, relative to the context. os.Root does not follow absolute links, which may well
// stay in the context.
func (c *contextFS) real(name string) (string, error) {
	if !fs.ValidPath(name) {
		return "", &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	file := filepath.Join(c.dir, filepath.FromSlash(name))
	real, err := filepath.EvalSymlinks(file)
	if err != nil {
		if _, statErr := os.Stat(file); statErr != nil {
			err = statErr // it knows a circle of links by its number
		}
		return "", err
	}
	if !within(c.dir, real) {
		return "", &fs.PathError{Op: "open", Path: name, Err: errOutside}
	}
	real, err = filepath.Rel(c.dir, real)
	return filepath.ToSlash(real), err
}
