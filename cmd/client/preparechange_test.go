package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/rtbuild/rtbuild/internal/solve"
)

// TestPrepareNamesWhatChanged changes, while a folder is prepared, files that are not hashed but decide how the project is read. What is
// written then is not what was planned, and the error says because of which file.
func TestPrepareNamesWhatChanged(t *testing.T) {
	put := func(name, content string) func(*testing.T, *project) {
		return func(t *testing.T, p *project) { tree{name: content}.write(t, p.root) }
	}
	remove := func(t *testing.T, p *project) { must(t, os.Remove(filepath.Join(p.root, ".dockerignore"))) }
	files := func() tree {
		return tree{
			"package.json": `{"version": "2.0.0", "scripts": {"start": "node a.js"}}`, "a.js": "a\n", "b.log": "b\n", ".dockerignore": "*.log\n*.json\n.dockerignore\n",
			"runtime.yaml": "profile: node\nbase: debian:bookworm\ndependencies: {manager: none}\n",
		}
	}
	tests := []struct {
		name   string
		files  tree
		change func(*testing.T, *project)
		path   string // of a *solve.ChangedError
		want   string
	}{
		{"a file that says what is ignored", files(), put(".dockerignore", "*.json\n.dockerignore\na.js\n"), ".dockerignore", "its content is different"},
		{"it is gone", files(), remove, ".dockerignore", "file does not exist"},
		{"it is new", files().without(".dockerignore"), put(".dockerignore", "a.js\n"), ".dockerignore", "it was not there"},
		{"a manifest", files(), put("package.json", `{"version": "2.0.0", "main": "a.js"}`), "package.json", "its content is different"},
		{"a link out of the context", files(), func(t *testing.T, p *project) {
			remove(t, p)
			tree{".dockerignore": "-> /etc/hostname"}.write(t, p.root)
		}, "", ".dockerignore: a link leads out of the context"},
		{"none", files(), func(_ *testing.T, p *project) { p.tags.Source = "another" }, "", "has the source tag"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv(repositoryEnv, "")
			var o prepareOptions
			p := readTree(t, o.project, test.files.write(t, t.TempDir()))
			f, err := newFolder(filepath.Join(t.TempDir(), "folder"), p)
			must(t, err)
			test.change(t, p)
			err = o.fill(t.Context(), f)
			var changed *solve.ChangedError
			if errors.As(err, &changed) != (test.path != "") || changed != nil && changed.Path != test.path || err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestCopierOpensNoPipe shows that what takes the place of a file that comes along unhashed is neither waited for nor followed.
func TestCopierOpensNoPipe(t *testing.T) {
	for name, swap := range map[string]func(file string) error{
		"a pipe": func(file string) error { return syscall.Mkfifo(file, 0o644) },
		"a link": func(file string) error { return os.Symlink("/etc/hostname", file) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(repositoryEnv, "")
			var o prepareOptions
			p := readTree(t, o.project, tree{
				"package.json": "{}", "a.js": "a\n", ".dockerignore": "*.json\n.dockerignore\n",
				"runtime.yaml": "profile: node\nbase: debian:bookworm\ndependencies: {manager: none}\n",
			}.write(t, t.TempDir()))
			f, err := newFolder(filepath.Join(t.TempDir(), "folder"), p)
			must(t, err)
			must(t, f.stage())
			file := filepath.Join(p.root, ".dockerignore")
			must(t, os.Remove(file))
			must(t, swap(file))
			if err := f.copyProject(t.Context(), []string{".dockerignore"}); err == nil || !strings.Contains(err.Error(), ".dockerignore: ") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
