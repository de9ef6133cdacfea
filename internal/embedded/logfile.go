package embedded

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
)

// How much of a log an error shows.
const (
	tailLines = 10
	tailBytes = 16 << 10
)

// newLog creates a log file and keeps the previous one: a daemon is often restarted before anybody reads its log.
func newLog(path string) (*os.File, error) {
	if err := os.Rename(path, path+".old"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
}

// tail returns the last lines of a log, indented for use below an error, or "".
func tail(path string) string {
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer file.Close()
	if size, err := file.Seek(0, io.SeekEnd); err == nil {
		_, _ = file.Seek(max(0, size-tailBytes), io.SeekStart)
	}
	data, _ := io.ReadAll(io.LimitReader(file, tailBytes))
	data = bytes.TrimSpace(data)
	if len(data) == 0 {
		return ""
	}
	lines := strings.Split(string(data), "\n")
	return "\n  | " + strings.Join(lines[max(0, len(lines)-tailLines):], "\n  | ")
}
