package profile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"syscall"

	"github.com/rtbuild/rtbuild/tags"
	"github.com/rtbuild/rtbuild/tags/contextfs"
)

// What is read of one file at most, in bytes. Projects come from strangers, and nothing of theirs may exhaust the machine that
// computes a tag.
const (
	ManifestLimit = 1 << 20          // of runtime.yaml, .dockerignore and manifests
	LockLimit     = tags.MaxLockFile // of lock files, requirements files among them
)

// ReadFile reads a regular file of a project, of at most limit bytes. What is no such file is neither opened nor waited for. The
// error is an *Error that says what is there instead and wraps what the file system said, fs.ErrNotExist among others.
func ReadFile(fsys fs.FS, name string, limit int64) ([]byte, error) {
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return nil, unread(name, err)
	}
	if fault := unfit(name, info, limit); fault != nil {
		return nil, fault
	}
	f, err := fsys.Open(name)
	if err != nil {
		return nil, unread(name, err)
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil { // another file may have taken its place
		return nil, unread(name, err)
	}
	if fault := unfit(name, info, limit); fault != nil {
		return nil, fault
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	switch {
	case err != nil:
		return nil, unread(name, err)
	case int64(len(data)) > limit: // it grew
		return nil, tooLarge(name, int64(len(data)), limit)
	}
	return data, nil
}

// ReadRuntime reads a runtime file that the user names. Its errors are those of ReadFile.
func ReadRuntime(fsys fs.FS, name string) ([]byte, error) {
	data, err := ReadFile(fsys, name, ManifestLimit)
	var fault *Error
	if absent(err) && errors.As(err, &fault) {
		fault.Hint = "name the runtime file with -f, or write a " + fileName
	}
	return data, err
}

// unfit says why a file is not read; nil if it may be.
func unfit(name string, info fs.FileInfo, limit int64) error {
	if !info.Mode().IsRegular() {
		return irregularFile(name, info.Mode())
	}
	if info.Size() > limit {
		return tooLarge(name, info.Size(), limit)
	}
	return nil
}

func irregularFile(name string, mode fs.FileMode) error {
	return notAFile(name, "it is "+irregular(mode)+", not a regular file")
}

// irregular says in words what kind of file it is that is no regular one.
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
	return text{name: name}.at(0, 0, "put a regular file there", "%s", what)
}

func tooLarge(name string, size, limit int64) error {
	return text{name: name}.at(0, 0, "check that it is the file that is meant",
		"it has %d bytes or more, and at most %d MiB of such a file are read", size, limit>>20)
}

// unread is the error of a file that the file system does not give.
func unread(name string, err error) error {
	var kind *contextfs.KindError
	switch {
	case errors.As(err, &kind):
		return irregularFile(name, kind.Mode)
	case errors.Is(err, contextfs.ErrOutside):
		return text{name: name}.at(0, 0, "copy what it points to into the context", "a link leads out of the context, and nothing is read there")
	case errors.Is(err, syscall.ELOOP):
		return notAFile(name, "its links lead in a circle, or through too many others")
	}
	cause, at := err, (*fs.PathError)(nil)
	if errors.As(err, &at) {
		cause = at.Err // it says which call failed, and may name the machine's path
	}
	hint := ""
	switch {
	case absent(err):
		hint = "create it, or name another"
	case errors.Is(err, fs.ErrPermission):
		hint = "make it readable for this user"
	default:
		return fmt.Errorf("reading %s: %w", name, cause)
	}
	fault := text{name: name}.at(0, 0, hint, "%s", cause)
	fault.cause = cause
	return fault
}

// absent reports whether an error says that there is no such file.
func absent(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) }
