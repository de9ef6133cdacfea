package tags

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
)

// Reasons for which a source tree or a lock file is refused, to be found by errors.Is. A file that is missing or cannot
// be read is found by fs.ErrNotExist and fs.ErrPermission.
var (
	// ErrNothing means that no file of the source is left to hash.
	ErrNothing = errors.New("nothing to hash")
	// ErrLoop is a link that leads to itself, or back to a directory that it lies in (section 6.3).
	ErrLoop = errors.New("the link runs in a circle")
	// ErrName is a name that cannot be hashed and copied alike on every system: not UTF-8, or with a line feed.
	ErrName = errors.New("the name cannot be used")
	// ErrChanged is a file that was there when its directory was listed, and was gone or something else when it was read.
	ErrChanged = errors.New("it changed while it was read")
	// ErrKind is a file where a directory was asked for, the other way round, or neither.
	ErrKind = errors.New("not the right kind of file")
)

// InputError is a text of the inputs that cannot be used.
type InputError struct {
	Input string // which: "base image", "repository", "version", "context", ...
	Value string // as it was given
	Err   error  // why
	Fix   string // what to do
}

// Error names the input, quotes it, and says what is wrong and what to do.
func (e *InputError) Error() string {
	return fmt.Sprintf("%s %q: %v; %s", e.Input, e.Value, e.Err, e.Fix)
}

// Unwrap gives the cause.
func (e *InputError) Unwrap() error { return e.Err }

// PathError is a file of the context that cannot be hashed.
type PathError struct {
	Role string // "source" or "lock file"
	Path string // relative to the context, slash-separated, as it was walked: by the names of links
	Err  error
	Fix  string
}

// Error names the path, escaped as a Go string, and says what is wrong and what to do.
func (e *PathError) Error() string {
	return fmt.Sprintf("%s %q: %v; %s", e.Role, e.Path, e.Err, e.Fix)
}

// Unwrap gives the cause.
func (e *PathError) Unwrap() error { return e.Err }

// ChangedError is a file of the context that is no longer what the tags were made from. Whoever builds compares what it sends with the
// Entry of each file; the tags must then be computed again.
type ChangedError struct {
	Path string // relative to its directory, slash-separated
	Err  error  // how it differs; fs.ErrNotExist if the file is gone
}

// Error names the file and how it differs.
func (e *ChangedError) Error() string {
	return fmt.Sprintf("%s changed after it was hashed: %v", e.Path, e.Err)
}

// Unwrap gives how the file differs.
func (e *ChangedError) Unwrap() error { return e.Err }

// sourceError is the fault err of the source at path, with the advice that goes with it.
func sourceError(path string, err error) *PathError {
	e := &PathError{Role: "source", Path: path, Err: cause(err)}
	switch {
	case errors.Is(err, ErrChanged):
		e.Fix = "let it be, and try again"
	case errors.Is(err, syscall.ELOOP):
		e.Err = fmt.Errorf("%w: %w", ErrLoop, e.Err)
		e.Fix = "remove the link, or let it point to a file"
	case errors.Is(err, ErrLoop):
		e.Fix = "remove the link, or let it point elsewhere"
	case errors.Is(err, ErrName):
		e.Fix = "rename it, or leave it out of the source"
	case errors.Is(err, ErrNothing):
		e.Fix = "see whether the path is right, and what the ignore rules leave of it"
	case errors.Is(err, fs.ErrPermission):
		e.Fix = "make it readable for this user, or leave it out of the source"
	case errors.Is(err, fs.ErrNotExist):
		e.Fix = "create it, or correct the list of source paths"
	default:
		e.Fix = "repair it, or leave it out of the source"
	}
	return e
}

// changed takes an error for a change, if it says that what was listed is not there any more, or is something else.
func changed(err error) error {
	for _, gone := range []error{fs.ErrNotExist, syscall.ENOTDIR, syscall.EINVAL, syscall.ELOOP} {
		if errors.Is(err, gone) {
			return fmt.Errorf("%w: %w", ErrChanged, cause(err))
		}
	}
	return err
}

// cause strips the operation and the absolute path from an error of the os package: our errors name the path already,
// and in escaped form.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
