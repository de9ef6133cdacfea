//go:build unix

package tags

import (
	"errors"
	"io"
	"syscall"

	"golang.org/x/sys/unix"
)

// content is an open regular file. It does without os.File, which would double the cost of reading a small file.
type content struct {
	fd   int
	size int64
	exec bool // the owner may execute it
}

// opener opens files. It keeps the last file's directory open, because the next file is usually in the same directory.
// That saves resolving the path again.
type opener struct {
	dir *node
	fd  int
}

// open opens a regular file. It does not block if a pipe has replaced the file, and follows a link only if the walk found
// a link there.
func (o *opener) open(n *node) (content, error) {
	at, name := unix.AT_FDCWD, n.file()
	flags := unix.O_RDONLY | unix.O_CLOEXEC | unix.O_NONBLOCK
	if !n.isLink {
		flags |= unix.O_NOFOLLOW
	}
	if n.parent != nil && !n.top && !n.text {
		if err := o.enter(n.parent); err != nil {
			return content{}, err
		}
		at, name = o.fd, n.name
	}
	fd, err := retry(func() (int, error) {
		return unix.Openat(at, name, flags, 0)
	})
	if err != nil {
		return content{}, err
	}
	var st syscall.Stat_t
	err = syscall.Fstat(fd, &st)
	if err == nil && st.Mode&syscall.S_IFMT != syscall.S_IFREG {
		err = ErrChanged
	}
	if err != nil {
		syscall.Close(fd)
		return content{}, err
	}
	return content{fd: fd, size: st.Size, exec: st.Mode&syscall.S_IXUSR != 0}, nil
}

// enter opens a directory for the files that are opened next.
func (o *opener) enter(dir *node) error {
	if o.dir == dir {
		return nil
	}
	o.close()
	fd, err := retry(func() (int, error) {
		return unix.Open(dir.real, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_DIRECTORY, 0)
	})
	if err == nil {
		o.dir, o.fd = dir, fd
	}
	return err
}

// close closes the directory.
func (o *opener) close() {
	if o.dir != nil {
		unix.Close(o.fd)
		o.dir = nil
	}
}

// Read implements io.Reader.
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

// Close implements io.Closer.
func (c content) Close() error { return syscall.Close(c.fd) }

// retry repeats a system call while signals interrupt it.
func retry(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if !errors.Is(err, syscall.EINTR) {
			return n, err
		}
	}
}
