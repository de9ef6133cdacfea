package contextfs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestLinks checks that links are followed exactly if they stay in the directory.
func TestLinks(t *testing.T) {
	tests := []struct {
		name, link, ask string
		want            string // the real path
		err             error
	}{
		{"none", "", "f", "f", nil},
		{"relative", "d/../f", "l", "f", nil},
		{"absolute", "$ROOT/f", "l", "f", nil},
		{"absolute, through a link to the directory", "$AGAIN/f", "l", "f", nil},
		{"out and in again", "../in/f", "l", "f", nil},
		{"a directory", "$ROOT/d", "l/g", "d/g", nil},
		{"nothing", "none", "l", "", fs.ErrNotExist},
		{"nothing, absolute", "$ROOT/none", "l", "", fs.ErrNotExist},
		{"nothing below an absolute one", "$ROOT/d", "l/none", "", fs.ErrNotExist},
		{"upwards", "../secret", "l", "", ErrOutside},
		{"upwards, nothing", "../none", "l", "", ErrOutside},
		{"absolute, outside", "$ROOT/../secret", "l", "", ErrOutside},
		{"absolute, nothing", "/none", "l", "", ErrOutside},
		{"below nothing outside", "/none", "l/g", "", ErrOutside},
		{"a directory with the same prefix", "$ROOT2/f", "l", "", ErrOutside},
		{"a loop", "l", "l", "", syscall.ELOOP},
		{"below a file", "f", "l/g", "", syscall.ENOTDIR},
		{"an invalid path", "", "../secret", "", fs.ErrInvalid},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			above := t.TempDir()
			root := filepath.Join(above, "in")
			for _, file := range []string{"in/f", "in/d/g", "in2/f", "secret"} {
				must(t, os.MkdirAll(filepath.Dir(filepath.Join(above, file)), 0o755))
				must(t, os.WriteFile(filepath.Join(above, file), []byte(file), 0o644))
			}
			must(t, os.Symlink("in", filepath.Join(above, "again")))
			if test.link != "" {
				link := strings.NewReplacer("$ROOT", root, "$AGAIN", filepath.Join(above, "again")).Replace(test.link)
				must(t, os.Symlink(link, filepath.Join(root, "l")))
			}
			project, err := New(root)
			must(t, err)
			got, err := project.Real(test.ask)
			if got != test.want || !errors.Is(err, test.err) {
				t.Errorf("got %q, %v", got, err)
			}
			data, err := fs.ReadFile(project, test.ask)
			if !errors.Is(err, test.err) || test.want != "" && string(data) != "in/"+test.want {
				t.Errorf("read %q, %v", data, err)
			}
		})
	}
}

// TestKinds checks that a pipe is neither opened nor waited for, even if it replaces a file after the first check.
func TestKinds(t *testing.T) {
	root := t.TempDir()
	pipe := filepath.Join(root, "pipe")
	must(t, syscall.Mkfifo(pipe, 0o644))
	must(t, os.WriteFile(filepath.Join(root, "file"), nil, 0o644))
	project, err := New(root)
	must(t, err)
	var kind *KindError
	if _, err := project.Open("pipe"); !errors.As(err, &kind) || kind.Mode.Type() != fs.ModeNamedPipe {
		t.Errorf("got %v", err)
	}
	late := func(flags int) (*os.File, error) { return os.OpenFile(pipe, flags, 0) }
	if _, err := OpenRegular(filepath.Join(root, "file"), os.Stat, late); !errors.As(err, &kind) {
		t.Errorf("late: got %v", err)
	}
}

// TestFS checks that FS behaves as the standard library expects of a file system.
func TestFS(t *testing.T) {
	root := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(root, "d"), 0o755))
	must(t, os.WriteFile(filepath.Join(root, "d/f"), []byte("1"), 0o644))
	project, err := New(root)
	must(t, err)
	must(t, fstest.TestFS(project, "d/f"))
	f, err := project.Open("d/f")
	must(t, err)
	defer f.Close()
	if data, err := io.ReadAll(f); string(data) != "1" || err != nil {
		t.Errorf("got %q, %v", data, err)
	}
}
