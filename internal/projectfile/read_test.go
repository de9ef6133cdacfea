package projectfile_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/rtbuild/rtbuild/internal/projectfile"
	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
	"github.com/rtbuild/rtbuild/tags/contextfs"
)

// TestReadFile shows what is read: regular files, by links within the context too, up to the limit.
func TestReadFile(t *testing.T) {
	project := projecttest.Confined(t, "a", "12345", "d/b", "->../a", "c", "->d/b", "e", "->d", "gone", "->nothing")
	tests := []struct {
		name  string
		limit int64
		want  string
		err   string
		is    error
	}{
		{"a", 5, "12345", "", nil}, {"d/b", 5, "12345", "", nil}, {"c", 5, "12345", "", nil}, {"e/b", 5, "12345", "", nil},
		{"a", 4, "", "a: it has at least 5 bytes, and the limit is 0 MiB: check that it is the right file", nil},
		{"nothing", 5, "", "", fs.ErrNotExist}, {"gone", 5, "", "", fs.ErrNotExist}, {"../x", 5, "", "", fs.ErrInvalid}, {"a/b", 5, "", "", syscall.ENOTDIR},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			data, err := projectfile.ReadFile(project, test.name, test.limit)
			if string(data) != test.want || test.err != "" && (err == nil || err.Error() != test.err) || test.is != nil && !errors.Is(err, test.is) ||
				test.err == "" && test.is == nil && err != nil {
				t.Errorf("got %q, %v", data, err)
			}
		})
	}
}

// replaced is a project in which a file is replaced between the look at it and the opening.
type replaced struct {
	*contextfs.FS
	replace func()
}

func (r replaced) Open(name string) (fs.File, error) {
	r.replace()
	return r.FS.Open(name)
}

// TestReadFileLooksAgain replaces a file at the worst moment.
func TestReadFileLooksAgain(t *testing.T) {
	for kind, odd := range projecttest.Odd {
		t.Run(kind, func(t *testing.T) {
			root := filepath.Join(projecttest.Tree(t, "in/a", "1"), "in")
			project, err := projectfile.Confined(root)
			projecttest.Must(t, err)
			_, err = projectfile.ReadFile(replaced{project, func() {
				projecttest.Must(t, os.Remove(filepath.Join(root, "a")))
				odd.Put(t, root, "a")
			}}, "a", 10)
			if err == nil || !strings.HasPrefix(err.Error(), "a"+odd.Want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestConfinedHoldsNothing shows that a context that was read can be unmounted, or removed, at once.
func TestConfinedHoldsNothing(t *testing.T) {
	root := projecttest.Tree(t, "a", "1", "d/b", "2", "l", "->a")
	project, err := projectfile.Confined(root)
	projecttest.Must(t, err)
	for _, name := range []string{"a", "d/b", "l", "none"} {
		_, _ = projectfile.ReadFile(project, name, 10)
		_, _ = fs.ReadDir(project, name)
	}
	held, err := filepath.Glob("/proc/self/fd/*")
	projecttest.Must(t, err)
	for _, fd := range held {
		if to, err := os.Readlink(fd); err == nil && strings.HasPrefix(to, root) {
			t.Errorf("%s is still open", to)
		}
	}
}
