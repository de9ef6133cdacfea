package tags

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
)

// Why a source tree or a lock file is refused; use errors.Is. A missing file is fs.ErrNotExist, an unreadable one
// fs.ErrPermission.
var (
	// ErrNothing means that the source has no file to hash.
	ErrNothing = errors.New("nothing to hash")
	// ErrLoop means that a link leads to itself or to a directory that contains it (section 6.3).
	ErrLoop = errors.New("the link forms a loop")
	// ErrName means that a name cannot be hashed and copied alike on every system: it is not UTF-8, contains a line feed, or
	// is a whiteout in an image layer.
	ErrName = errors.New("the name cannot be used")
	// ErrChanged means that a file was removed or replaced between the listing of its directory and the reading of the file.
	ErrChanged = errors.New("it changed while it was read")
	// ErrKind means that a path has the wrong type: a file instead of a directory, a directory instead of a file, or neither.
	ErrKind = errors.New("not the right kind of file")
)

// InputError reports an invalid input text.
type InputError struct {
	Input string // which: "base image", "repository", "version", "context", ...
	Value string // as given
	Err   error  // why
	Fix   string // what to do
}

// Error names and quotes the input, and says what is wrong and what to do.
func (e *InputError) Error() string {
	return fmt.Sprintf("%s %q: %v; %s", e.Input, e.Value, e.Err, e.Fix)
}

// Unwrap returns the cause.
func (e *InputError) Unwrap() error { return e.Err }

// PathError reports a file of the context that cannot be hashed.
type PathError struct {
	Role string // "source" or "lock file"
	Path string // relative to the context, slash-separated, with links unresolved
	Err  error
	Fix  string
}

// Error names the path as a quoted Go string, and says what is wrong and what to do.
func (e *PathError) Error() string {
	return fmt.Sprintf("%s %q: %v; %s", e.Role, e.Path, e.Err, e.Fix)
}

// Unwrap returns the cause.
func (e *PathError) Unwrap() error { return e.Err }

// ChangedError reports a file of the context that changed after the tags were computed. A builder compares each file that it
// sends with the file's Entry and returns this error if they differ. The tags must then be computed again.
type ChangedError struct {
	Path string // relative to its directory, slash-separated
	Err  error  // how the file differs; fs.ErrNotExist if it is gone
}

// Error names the file and how it differs.
func (e *ChangedError) Error() string {
	return fmt.Sprintf("%s changed after it was hashed: %v", e.Path, e.Err)
}

// Unwrap returns how the file differs.
func (e *ChangedError) Unwrap() error { return e.Err }

// sourceError returns the error for the source file at path, with advice that fits err.
func sourceError(path string, err error) *PathError {
	e := &PathError{Role: "source", Path: path, Err: cause(err)}
	switch {
	case errors.Is(err, ErrChanged):
		e.Fix = "make sure that nothing writes to it, and try again"
	case errors.Is(err, syscall.ELOOP):
		e.Err = fmt.Errorf("%w: %w", ErrLoop, e.Err)
		e.Fix = "remove the link, or let it point to a file"
	case errors.Is(err, ErrLoop):
		e.Fix = "remove the link, or let it point elsewhere"
	case errors.Is(err, ErrName):
		e.Fix = "rename it, or leave it out of the source"
	case errors.Is(err, ErrNothing):
		e.Fix = "check the source path and the ignore rules"
	case errors.Is(err, fs.ErrPermission):
		e.Fix = "make it readable for this user, or leave it out of the source"
	case errors.Is(err, fs.ErrNotExist):
		e.Fix = "create it, or correct the list of source paths"
	default:
		e.Fix = "repair it, or leave it out of the source"
	}
	return e
}

// changed wraps err in ErrChanged if err means that a listed file was removed or replaced.
func changed(err error) error {
	for _, gone := range []error{fs.ErrNotExist, syscall.ENOTDIR, syscall.EINVAL, syscall.ELOOP} {
		if errors.Is(err, gone) {
			return fmt.Errorf("%w: %w", ErrChanged, cause(err))
		}
	}
	return err
}

// cause strips the operation and the absolute path from an error of the os package, because our errors name the path
// themselves.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
