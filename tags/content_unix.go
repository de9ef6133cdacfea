//go:build unix

package tags

import (
	"errors"
	"io"
	"syscall"
)

// content is a regular file that is open for reading. It is used without os.File: for small files that costs as much
// again as what is done with them.
type content struct {
	fd   int
	size int64
	exec bool // the owner may execute it
}

// openContent opens a regular file, and does not wait for a pipe that has taken its place.
func openContent(name string) (content, error) {
	fd, err := retry(func() (int, error) {
		return syscall.Open(name, syscall.O_RDONLY|syscall.O_CLOEXEC|syscall.O_NONBLOCK, 0)
	})
	if err != nil {
		return content{}, err
	}
	var st syscall.Stat_t
	err = syscall.Fstat(fd, &st)
	if err == nil && st.Mode&syscall.S_IFMT != syscall.S_IFREG {
		err = errChanged
	}
	if err != nil {
		syscall.Close(fd)
		return content{}, err
	}
	return content{fd: fd, size: st.Size, exec: st.Mode&syscall.S_IXUSR != 0}, nil
}

// Read is io.Reader's.
func (c content) Read(p []byte) (int, error) {
	n, err := retry(func() (int, error) { return syscall.Read(c.fd, p) })
	if err != nil {
		return 0, err
	}
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// Close is io.Closer's.
func (c content) Close() error { return syscall.Close(c.fd) }

// retry calls a system call until no signal interrupts it.
func retry(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if !errors.Is(err, syscall.EINTR) {
			return n, err
		}
	}
}
