//go:build !unix

package tags

import "os"

// content is an open regular file.
type content struct {
	*os.File
	size int64
	exec bool // the owner may execute it
}

// opener opens files.
type opener struct{}

// open opens a regular file.
func (*opener) open(n *node) (content, error) {
	f, err := os.Open(n.file())
	if err != nil {
		return content{}, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = ErrChanged
	}
	if err != nil {
		f.Close()
		return content{}, err
	}
	return content{File: f, size: info.Size(), exec: info.Mode()&0o100 != 0}, nil
}

func (*opener) close() {}
