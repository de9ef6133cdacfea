package profile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// errLeaves is the error of a path that leads out of a context.
var errLeaves = errors.New("a link leads out of the context")

// confined is a directory that is read as a stranger's. It is opened for each question: who holds it open keeps it from being
// removed or unmounted.
type confined struct {
	dir    string
	leaves error // os's own error of a path that leaves a directory, which has no name
}

// rootFS is what os.Root's file system offers besides Open.
type rootFS interface {
	fs.StatFS
	fs.ReadDirFS
	fs.ReadLinkFS
}

// Confined gives the file system of a project's directory. Nothing outside of the directory can be read by it: a link that leaves
// it, or is absolute, is an error. No Open blocks: what is neither a regular file nor a directory is an error, too.
func Confined(dir string) (fs.FS, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the context: %w", err)
	}
	defer root.Close()
	c := confined{dir: dir}
	var above *fs.PathError
	if _, err := root.Lstat(".."); errors.As(err, &above) {
		c.leaves = above.Err
	}
	return c, nil
}

// within asks a question of the directory. A path that leaves it is an error that has a name.
func within[T any](c confined, ask func(*os.Root, rootFS) (T, error)) (answer T, err error) {
	root, err := os.OpenRoot(c.dir)
	if err != nil {
		return answer, err
	}
	defer root.Close()
	files, ok := root.FS().(rootFS)
	if !ok {
		return answer, fmt.Errorf("the file system of %s is a %T", c.dir, root.FS())
	}
	answer, err = ask(root, files)
	var fault *fs.PathError
	if errors.As(err, &fault) && errors.Is(fault.Err, c.leaves) {
		err = &fs.PathError{Op: fault.Op, Path: fault.Path, Err: errLeaves}
	}
	return answer, err
}

// Open implements fs.FS.
func (c confined) Open(name string) (fs.File, error) {
	return within(c, func(root *os.Root, files rootFS) (fs.File, error) {
		if !fs.ValidPath(name) {
			return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
		}
		return openRegular(name, files.Stat, func() (*os.File, error) {
			return root.OpenFile(filepath.FromSlash(name), os.O_RDONLY|syscall.O_NONBLOCK, 0)
		})
	})
}

// Stat implements fs.StatFS.
func (c confined) Stat(name string) (fs.FileInfo, error) {
	return within(c, func(_ *os.Root, files rootFS) (fs.FileInfo, error) { return files.Stat(name) })
}

// ReadDir implements fs.ReadDirFS.
func (c confined) ReadDir(name string) ([]fs.DirEntry, error) {
	return within(c, func(_ *os.Root, files rootFS) ([]fs.DirEntry, error) { return files.ReadDir(name) })
}

// ReadLink implements fs.ReadLinkFS.
func (c confined) ReadLink(name string) (string, error) {
	return within(c, func(_ *os.Root, files rootFS) (string, error) { return files.ReadLink(name) })
}

// Lstat implements fs.ReadLinkFS.
func (c confined) Lstat(name string) (fs.FileInfo, error) {
	return within(c, func(_ *os.Root, files rootFS) (fs.FileInfo, error) { return files.Lstat(name) })
}

// openRegular opens a regular file or a directory. It looks before: opening a device may do something. It looks again after, at
// what was opened: which is why the opening must not block.
func openRegular(name string, stat func(string) (fs.FileInfo, error), open func() (*os.File, error)) (fs.File, error) {
	info, err := stat(name)
	if err != nil {
		return nil, err
	}
	if err := regularOrDir(name, info); err != nil {
		return nil, err
	}
	f, err := open()
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
	if what := irregular(info.Mode()); what != "" && !info.IsDir() {
		return notAFile(name, "it is "+what+", not a regular file")
	}
	return nil
}

// anywhere is the machine's file system, by the names that it has in the process's directory.
type anywhere struct{}

// Open implements fs.FS.
func (a anywhere) Open(name string) (fs.File, error) {
	return openRegular(name, os.Stat, func() (*os.File, error) { return os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0) })
}

// Stat implements fs.StatFS.
func (anywhere) Stat(name string) (fs.FileInfo, error) { return os.Stat(name) }

// ReadNamed reads a runtime file that the user names and that may lie anywhere. Its errors are those of ReadFile.
func ReadNamed(name string) ([]byte, error) { return ReadFile(anywhere{}, name, ManifestLimit) }
