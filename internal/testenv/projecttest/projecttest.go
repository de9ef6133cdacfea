// Package projecttest creates projects for tests of the packages that read them, and compares errors.
package projecttest

import (
	"bytes"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/rtbuild/rtbuild/internal/projectfile"
	"github.com/rtbuild/rtbuild/tags/contextfs"
)

// Files returns a project with these files: names and contents alternate.
func Files(nameContent ...string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for i := 0; i < len(nameContent); i += 2 {
		fsys[nameContent[i]] = &fstest.MapFile{Data: []byte(nameContent[i+1])}
	}
	return fsys
}

// Tree creates a directory with these entries. A name with a trailing "/" is a directory, a content beginning with "->" a link.
func Tree(t testing.TB, nameContent ...string) string {
	t.Helper()
	root := t.TempDir()
	for i := 0; i < len(nameContent); i += 2 {
		name, content := filepath.Join(root, nameContent[i]), nameContent[i+1]
		dir := filepath.Dir(name)
		if strings.HasSuffix(nameContent[i], "/") {
			dir = name
		}
		err := os.MkdirAll(dir, 0o755)
		target, link := strings.CutPrefix(content, "->")
		switch {
		case err != nil, dir == name:
		case link:
			err = os.Symlink(target, name)
		default:
			err = os.WriteFile(name, []byte(content), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// Confined creates a directory, and returns its contextfs.
func Confined(t testing.TB, nameContent ...string) *contextfs.FS {
	t.Helper()
	project, err := contextfs.New(Tree(t, nameContent...))
	if err != nil {
		t.Fatal(err)
	}
	return project
}

// Odd creates something other than a regular file of the project at a name.
var Odd = map[string]struct {
	Put  func(t *testing.T, root, name string)
	Want string // the error's text after the name
}{
	"a pipe": {func(t *testing.T, root, name string) {
		Must(t, syscall.Mkfifo(filepath.Join(root, name), 0o644))
	}, ": it is a pipe, not a regular file: put a regular file there"},
	"a link to a pipe": {func(t *testing.T, root, name string) {
		Must(t, syscall.Mkfifo(filepath.Join(root, name+".pipe"), 0o644))
		Must(t, os.Symlink(filepath.Base(name)+".pipe", filepath.Join(root, name)))
	}, ": it is a pipe, not a regular file: put a regular file there"},
	"a socket": {func(t *testing.T, root, name string) {
		listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(root, name), Net: "unix"})
		Must(t, err)
		t.Cleanup(func() { _ = listener.Close() })
	}, ": it is a socket, not a regular file: put a regular file there"},
	"a directory": {func(t *testing.T, root, name string) {
		Must(t, os.Mkdir(filepath.Join(root, name), 0o755))
	}, ": it is a directory, not a regular file: put a regular file there"},
	"a link to a secret": {func(t *testing.T, root, name string) {
		secret := filepath.Join(t.TempDir(), "secret")
		Must(t, os.WriteFile(secret, []byte("password: hunter2 : y"), 0o644))
		Must(t, os.Symlink(secret, filepath.Join(root, name)))
	}, ": a link leads out of the context, and nothing is read there: copy what it points to into the context"},
	"a link upwards": {func(t *testing.T, root, name string) {
		Must(t, os.WriteFile(filepath.Join(filepath.Dir(root), "secret"), []byte("password: hunter2 : y"), 0o644))
		Must(t, os.Symlink(strings.Repeat("../", 1+strings.Count(name, "/"))+"secret", filepath.Join(root, name)))
	}, ": a link leads out of the context, and nothing is read there: copy what it points to into the context"},
	"a link to a device": {func(t *testing.T, root, name string) {
		Must(t, os.Symlink("/dev/zero", filepath.Join(root, name)))
	}, ": a link leads out of the context, and nothing is read there: copy what it points to into the context"},
	"a circle": {func(t *testing.T, root, name string) {
		Must(t, os.Symlink(filepath.Base(name), filepath.Join(root, name)))
	}, ": its links lead in a circle, or through too many others: put a regular file there"},
	"a huge file": {func(t *testing.T, root, name string) {
		Must(t, os.WriteFile(filepath.Join(root, name), nil, 0o644))
		Must(t, os.Truncate(filepath.Join(root, name), 40_000_000_000))
	}, ": it has at least 40000000000 bytes, and the limit is"},
}

// Must ends a test if there is an error.
func Must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// WantError checks that an error contains a text, or that there is no error if the text is empty. It reports whether one is wanted.
func WantError(t *testing.T, err error, text string) bool {
	t.Helper()
	switch {
	case text == "" && err != nil:
		t.Fatal(err)
	case text != "" && (err == nil || !strings.Contains(err.Error(), text)):
		t.Errorf("got error %v, want %q", err, text)
	}
	return text != ""
}

// CheckError compares an error with a text. If the text has one line, it compares only the error's first line.
func CheckError(t *testing.T, err error, want string) {
	t.Helper()
	got := ""
	if err != nil {
		got = err.Error()
	}
	if !strings.Contains(want, "\n") {
		got, _, _ = strings.Cut(got, "\n")
	}
	if got != want {
		t.Fatalf("error\n%s\nwant\n%s", got, want)
	}
}

// CheckFault checks that an error is a *projectfile.Error with a location in one of the files.
func CheckFault(t *testing.T, err error, files ...string) {
	t.Helper()
	var e *projectfile.Error
	if err != nil && (!errors.As(err, &e) || !slices.Contains(files, e.File) || e.Message == "" || e.Line < 0 || e.Line > 1+bytes.Count(e.Data, []byte("\n"))) {
		t.Fatalf("error is a %T: %v", err, err)
	}
}
