package tags

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// The tests of this file cover a context that changes while it is read, and errors that root does not meet. They call single
// steps of the walk in the state in which they would meet such an error.

func TestChangedWhileWalking(t *testing.T) {
	root := tree(t, file("a", "1"), link("broken", "nowhere"))
	at := func(name string) *node {
		return &node{name: name, path: name, real: filepath.Join(root, name), parent: &node{path: ".", real: root, top: true}}
	}
	tests := []struct {
		name string
		step func(w *walk) error
		is   error
	}{
		{"removed directory", func(w *walk) error { w.list(t.Context(), at("gone"), state{}); return w.fault }, ErrChanged},
		{"directory replaced by a file", func(w *walk) error { w.list(t.Context(), at("a"), state{}); return w.fault }, ErrChanged},
		{"link replaced by a file", func(w *walk) error { return w.readLink(at("a"), at("a").file()) }, syscall.EINVAL},
		{"link whose target was removed", func(w *walk) error { return w.readLink(at("broken"), at("broken").file()) }, fs.ErrNotExist},
		{"removed source path", func(w *walk) error {
			info, err := os.Stat(root)
			must(t, err)
			_, err = w.topNode(filepath.Join(root, "gone"), info, Path{Path: "gone"})
			return err
		}, fs.ErrNotExist},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := tt.step(newWalk(root, nil, originalRules{})); !errors.Is(err, tt.is) {
				t.Errorf("got %v, want %v", err, tt.is)
			}
		})
	}
}

func TestReadError(t *testing.T) {
	root := tree(t, file("a", "1"), link("mem", "/proc/self/mem")) // a regular file whose first page cannot be read
	src := wholeTree
	src.FollowOutside = true
	_, _, err := Compute(t.Context(), root, Inputs{Base: "debian", Source: src})
	var e *PathError
	if !errors.As(err, &e) || e.Path != "mem" || !errors.Is(err, syscall.EIO) {
		t.Errorf("got %v", err)
	}
}

func TestLockFileErrors(t *testing.T) {
	root := tree(t, file("a", "1"), link("loop", "loop"), dir("d"), link("broken", "nowhere"))
	tests := []struct {
		name, lock string
		is         error
		want       string
	}{
		{"loop", "loop", syscall.ELOOP, `lock file "loop": too many levels of symbolic links; replace it by the project's own loop`},
		{"directory", "d", syscall.EISDIR, `lock file "d": is a directory; replace it by the project's own d`},
		{"broken link", "broken", fs.ErrNotExist, `lock file "broken": file does not exist; create it with the package manager, or correct the list of dependency files`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := Compute(t.Context(), root, Inputs{Base: "debian", LockFiles: []string{tt.lock}, Source: wholeTree})
			checkError(t, err, tt.want)
			if !errors.Is(err, tt.is) {
				t.Errorf("not %v", tt.is)
			}
		})
	}
}

func TestPermissionAdvice(t *testing.T) {
	for _, err := range []*PathError{sourceError("a", fs.ErrPermission), lockError("a", fs.ErrPermission)} {
		if !strings.HasPrefix(err.Fix, "make it readable for this user") || !errors.Is(err, fs.ErrPermission) {
			t.Errorf("got %v", err)
		}
	}
	if _, err := hashLock(t.Context(), nil, os.DirFS(t.TempDir()), "gone"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestKindOf(t *testing.T) {
	for mode, want := range map[fs.FileMode]string{
		fs.ModeNamedPipe: "a named pipe", fs.ModeSocket: "a socket", fs.ModeDevice | fs.ModeCharDevice: "a device",
		fs.ModeIrregular: "a special file",
	} {
		if got := kindOf(mode); got != want {
			t.Errorf("%v: got %q, want %q", mode, got, want)
		}
	}
}
