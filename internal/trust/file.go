package trust

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// The largest files that ReadFile's callers read, in bytes.
const (
	CALimit     = 16 << 20 // certificates and keys
	ConfigLimit = 1 << 20  // a hosts.toml
)

// ReadFile reads a regular file of at most limit bytes. Anything else, such as a pipe or a device, is an error that says what it
// is; ReadFile never blocks on it. The error wraps fs.ErrNotExist and fs.ErrPermission.
func ReadFile(file string, limit int64) ([]byte, error) {
	f, err := open(file, limit)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit { // it grew
		err = tooLarge(file, limit)
	}
	return data, err
}

// CheckFile returns the error that ReadFile would return, without reading the file.
func CheckFile(file string, limit int64) error {
	f, err := open(file, limit)
	if err != nil {
		return err
	}
	return f.Close()
}

// open opens a regular file. With O_NONBLOCK it does not wait for the other end of a pipe.
func open(file string, limit int64) (*os.File, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if err := checkFile(file, info, limit); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(file, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if info, err = f.Stat(); err == nil { // the file may have been replaced meanwhile
		err = checkFile(file, info, limit)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

func checkFile(file string, info fs.FileInfo, limit int64) error {
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is %s, not a regular file", file, kind(info.Mode()))
	}
	if info.Size() > limit {
		return tooLarge(file, limit)
	}
	return nil
}

func tooLarge(file string, limit int64) error {
	return fmt.Errorf("%s is larger than %d MiB, which is the limit for such a file", file, limit>>20)
}

// kind names the type of a file that is not regular.
func kind(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "a directory"
	case mode&fs.ModeNamedPipe != 0:
		return "a pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeDevice != 0:
		return "a device"
	}
	return "a special file"
}
