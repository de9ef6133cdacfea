package trust

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestReadFile: ReadFile reads no device without end, and does not block on a pipe.
func TestReadFile(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, size int) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink("fits", link); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, file, want string }{
		{name: "as large as it may be", file: write("fits", 1<<20)},
		{name: "a link to a file", file: link},
		{name: "one byte more", file: write("large", 1<<20+1), want: "large is larger than 1 MiB"},
		{name: "a device", file: "/dev/zero", want: "/dev/zero is a device, not a regular file"},
		{name: "a pipe", file: pipe, want: "pipe is a pipe, not a regular file"},
		{name: "a directory", file: dir, want: " is a directory, not a regular file"},
		{name: "of no size, but with an end", file: "/proc/self/status"},
		{name: "absent", file: filepath.Join(dir, "absent"), want: "no such file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			data, err := ReadFile(tt.file, 1<<20)
			if tt.want == "" && (err != nil || len(data) == 0) || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %d bytes, %v; want %q", len(data), err, tt.want)
			}
			if checked := CheckFile(tt.file, 1<<20); (checked == nil) != (err == nil) {
				t.Errorf("without reading: %v", checked)
			}
		})
	}
	if _, err := ReadFile(filepath.Join(dir, "absent"), 1); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("absent: %v", err)
	}
}
