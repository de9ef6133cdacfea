package contextfs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// TestCheckListed: a name counts only if its directory lists it. On Linux, /proc is such a directory: it finds the threads of a
// process by their ids, and lists the process alone.
func TestCheckListed(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "Src", "lib"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("Src", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		dir, name string
		want      error
	}{
		{dir, "Src/lib", nil},
		{dir, "link/lib", nil},
		{dir, ".", nil},
		{dir, "src", fs.ErrNotExist},
		{dir, "Src/Lib", fs.ErrNotExist},
		{"/proc", thread(t), fs.ErrNotExist},
	}
	for _, test := range tests {
		if err := checkListed(test.dir, test.name); !errors.Is(err, test.want) {
			t.Errorf("%s: got %v, want %v", test.name, err, test.want)
		}
	}
}

// thread returns the id of a thread of this process that is not the process's own.
func thread(t *testing.T) string {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Skip("no /proc")
	}
	for _, e := range entries {
		if _, err := os.Stat("/proc/" + e.Name()); err == nil && e.Name() != strconv.Itoa(os.Getpid()) {
			return e.Name()
		}
	}
	t.Fatal("this process has one thread")
	return ""
}

func TestFoldsCase(t *testing.T) {
	for system, want := range map[string]bool{"linux": false, "darwin": true, "windows": true} {
		if got := foldsCase(system); got != want {
			t.Errorf("%s: got %t", system, got)
		}
	}
}
