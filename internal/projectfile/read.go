// Package projectfile reads single files of a project. A project is not trusted: the package reads only regular files inside it, up to a
// size limit. An unusable file is an [Error], which points at the line.
package projectfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"syscall"

	"github.com/rtbuild/rtbuild/tags"
	"github.com/rtbuild/rtbuild/tags/contextfs"
)

// Size limits of a file, in bytes. They keep a project from exhausting the memory of the machine that computes its tags.
const (
	ManifestLimit = 1 << 20          // of runtime.yaml, .dockerignore and manifests
	LockLimit     = tags.MaxLockFile // of lock files, requirements files among them
)

// ReadFile reads a regular file of a project, of at most limit bytes. It never opens any other kind of file. The error is an [*Error] that
// says what is there instead. It wraps the file system's error, such as fs.ErrNotExist.
func ReadFile(fsys fs.FS, name string, limit int64) ([]byte, error) {
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return nil, Unread(name, err)
	}
	if fault := unfit(name, info, limit); fault != nil {
		return nil, fault
	}
	f, err := fsys.Open(name)
	if err != nil {
		return nil, Unread(name, err)
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil { // the file may have been replaced
		return nil, Unread(name, err)
	}
	if fault := unfit(name, info, limit); fault != nil {
		return nil, fault
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	switch {
	case err != nil:
		return nil, Unread(name, err)
	case int64(len(data)) > limit: // it grew
		return nil, TooLarge(name, int64(len(data)), limit)
	}
	return data, nil
}

// ReadOptional reads a manifest, or returns nil if there is none.
func ReadOptional(fsys fs.FS, name string) ([]byte, error) {
	data, err := ReadFile(fsys, name, ManifestLimit)
	if Absent(err) {
		return nil, nil
	}
	return data, err
}

// Exists reports whether a path exists, readable or not.
func Exists(fsys fs.FS, name string) bool {
	_, err := fs.Stat(fsys, name)
	return !Absent(err)
}

// unfit returns an error for a file that is not regular or too large.
func unfit(name string, info fs.FileInfo, limit int64) error {
	if !info.Mode().IsRegular() {
		return irregularFile(name, info.Mode())
	}
	if info.Size() > limit {
		return TooLarge(name, info.Size(), limit)
	}
	return nil
}

func irregularFile(name string, mode fs.FileMode) error {
	return notAFile(name, "it is "+irregular(mode)+", not a regular file")
}

// irregular describes the kind of a file that is not regular.
func irregular(mode fs.FileMode) string {
	switch mode.Type() {
	case fs.ModeDir:
		return "a directory"
	case fs.ModeNamedPipe:
		return "a pipe"
	case fs.ModeSocket:
		return "a socket"
	case fs.ModeDevice, fs.ModeDevice | fs.ModeCharDevice:
		return "a device"
	case fs.ModeSymlink:
		return "a link that leads nowhere"
	}
	return "a special file"
}

func notAFile(name, what string) error {
	return Text{Name: name}.At(0, 0, "put a regular file there", "%s", what)
}

// TooLarge returns the error for a file above the size limit.
func TooLarge(name string, size, limit int64) error {
	return Text{Name: name}.At(0, 0, "check that it is the right file",
		"it has at least %d bytes, and the limit is %d MiB", size, limit>>20)
}

// Unread returns the error for a file that cannot be read. It says what is there instead, and what to do.
func Unread(name string, err error) error {
	var kind *contextfs.KindError
	switch {
	case errors.As(err, &kind):
		return irregularFile(name, kind.Mode)
	case errors.Is(err, contextfs.ErrOutside):
		return Text{Name: name}.At(0, 0, "copy what it points to into the context", "a link leads out of the context, and nothing is read there")
	case errors.Is(err, syscall.ELOOP):
		return notAFile(name, "its links lead in a circle, or through too many others")
	}
	cause, at := err, (*fs.PathError)(nil)
	if errors.As(err, &at) {
		cause = at.Err // without the operation and the absolute path
	}
	hint := ""
	switch {
	case Absent(err):
		hint = "create it, or name another"
	case errors.Is(err, fs.ErrPermission):
		hint = "make it readable for this user"
	default:
		return fmt.Errorf("reading %s: %w", name, cause)
	}
	fault := Text{Name: name}.At(0, 0, hint, "%s", cause)
	fault.cause = cause
	return fault
}

// Absent reports whether err means that there is no such file.
func Absent(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) }
