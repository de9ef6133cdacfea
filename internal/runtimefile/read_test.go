package runtimefile

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/rtbuild/rtbuild/internal/projectfile"
	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
)

// TestGrowingFile reads a file that has more than it says.
func TestGrowingFile(t *testing.T) {
	// Files of /proc have size 0, whatever they hold.
	if _, err := projectfile.ReadFile(anywhere{}, "/proc/cpuinfo", 10); err == nil || !strings.HasPrefix(err.Error(), "/proc/cpuinfo: it has at least 11 bytes") {
		t.Errorf("got %v", err)
	}
}

// TestReadNamed shows that a file that the user names may lie anywhere, and that nothing else is waited for.
func TestReadNamed(t *testing.T) {
	dir := projecttest.Tree(t, "a", "1", "l", "->a")
	projecttest.Must(t, syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o644))
	r, w, err := os.Pipe()
	projecttest.Must(t, err)
	defer r.Close()
	defer w.Close()
	tests := []struct{ name, want, err string }{
		{filepath.Join(dir, "l"), "1", ""},
		{filepath.Join(dir, "pipe"), "", "it is a pipe, not a regular file"},
		{"/dev/zero", "", "it is a device, not a regular file"},
		{dir, "", "it is a directory, not a regular file"},
		{filepath.Join("/proc/self/fd", fmt.Sprint(r.Fd())), "", "it is a pipe, not a regular file"},
	}
	for _, test := range tests {
		data, err := ReadNamed(test.name)
		if string(data) != test.want || (err != nil) != (test.err != "") || err != nil && !strings.Contains(err.Error(), test.name+": "+test.err) {
			t.Errorf("%s: got %q, %v", test.name, data, err)
		}
	}
}
