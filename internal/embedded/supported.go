package embedded

import (
	"fmt"
	"runtime"
)

// linux is the only system that the private pair runs on, by Go's name.
const linux = "linux"

// onlyLinux says what users of other systems do instead.
const onlyLinux = "the private builder and registry run on Linux only: " +
	"name a builder with --addr or --builder, and a repository with --repository"

// errNotLinux means that this system cannot run the private pair.
var errNotLinux = fmt.Errorf("%s: %w", onlyLinux, ErrMissing)

// supported returns an error that wraps ErrMissing on every system but Linux.
func supported(system string) error {
	if system == linux {
		return nil
	}
	return errNotLinux
}

// Supported reports whether this system can run the private pair: on macOS and Windows, users name a builder and a repository.
func Supported() bool { return supported(runtime.GOOS) == nil }
