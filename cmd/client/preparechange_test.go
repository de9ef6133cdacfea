package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/rtbuild/rtbuild/internal/testenv/filetree"
	"github.com/rtbuild/rtbuild/tags"
)

// TestPrepareNamesWhatChanged changes, while a folder is prepared, files that are not hashed but decide how the project is read. What is
// written then is not what was planned, and the error says because of which file.
func TestPrepareNamesWhatChanged(t *testing.T) {
	put := func(name, content string) func(*testing.T, *target) {
		return func(t *testing.T, p *target) { filetree.Files{name: content}.Write(t, p.Root) }
	}
	remove := func(t *testing.T, p *target) { must(t, os.Remove(filepath.Join(p.Root, ".dockerignore"))) }
	files := func() filetree.Files {
		return filetree.Files{
			"package.json": `{"version": "2.0.0", "scripts": {"start": "node a.js"}}`, "a.js": "a\n", "b.log": "b\n", ".dockerignore": "*.log\n*.json\n.dockerignore\n",
			"runtime.yaml": "profile: node\nbase: debian:bookworm\ndependencies: {manager: none}\n",
		}
	}
	tests := []struct {
		name   string
		files  filetree.Files
		change func(*testing.T, *target)
		path   string // of a *tags.ChangedError
		want   string
	}{
		{"a file that says what is ignored", files(), put(".dockerignore", "*.json\n.dockerignore\na.js\n"), ".dockerignore", "its content is different"},
		{"it is gone", files(), remove, ".dockerignore", "file does not exist"},
		{"it is new", files().Without(".dockerignore"), put(".dockerignore", "a.js\n"), ".dockerignore", "it was not there"},
		{"a manifest", files(), put("package.json", `{"version": "2.0.0", "main": "a.js"}`), "package.json", "its content is different"},
		{"a link out of the context", files(), func(t *testing.T, p *target) {
			remove(t, p)
			filetree.Files{".dockerignore": "-> /etc/hostname"}.Write(t, p.Root)
		}, "", ".dockerignore: a link leads out of the context"},
		{"none", files(), func(_ *testing.T, p *target) { p.Tags.Source = "another" }, "", "has the source tag"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv(repositoryEnv, "")
			var o prepareOptions
			p := readTree(t, o.project, test.files.Write(t, t.TempDir()))
			f, err := newFolder(filepath.Join(t.TempDir(), "folder"), p.Project)
			must(t, err)
			test.change(t, p)
			err = o.fill(t.Context(), f)
			var changed *tags.ChangedError
			if errors.As(err, &changed) != (test.path != "") || changed != nil && changed.Path != test.path || err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestPrepareCopiesWhatWasHashed: a file that changes between the hash and the copy is in no folder.
func TestPrepareCopiesWhatWasHashed(t *testing.T) {
	changes := map[string]func(file string) error{
		"rewritten": func(file string) error { return os.WriteFile(file, []byte("two"), 0o644) },
		"deleted":   os.Remove,
		"a link":    func(file string) error { return errors.Join(os.Remove(file), os.Symlink("/etc/passwd", file)) },
	}
	for name, change := range changes {
		for _, file := range []string{"src/app.js", "package-lock.json"} {
			t.Run(name+" "+file, func(t *testing.T) {
				dir := filetree.Files{"package.json": "{}", "package-lock.json": "one", "src/app.js": "one", "runtime.yaml": "base: debian\n"}.Write(t, t.TempDir())
				o := prepareOptions{folder: filepath.Join(t.TempDir(), "folder")}
				o.project.format = "text"
				p, err := o.project.read([]string{dir})
				if err != nil {
					t.Fatal(err)
				}
				f, err := newFolder(o.folder, p.Project)
				if err != nil {
					t.Fatal(err)
				}
				if err := errors.Join(p.ComputeTags(t.Context(), ""), change(filepath.Join(dir, file))); err != nil {
					t.Fatal(err)
				}
				var changed *tags.ChangedError
				if err := o.fill(t.Context(), f); !errors.As(err, &changed) || changed.Path != file {
					t.Errorf("got %v", err)
				}
				if _, err := os.Lstat(filepath.Join(o.folder, dockerfile)); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("the folder builds: %v", err)
				}
				if err := replanning(func() error { return runPrepare(t.Context(), t.Output(), &o, []string{dir}) }); name == "rewritten" && err != nil {
					t.Errorf("planned again: %v", err)
				}
			})
		}
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
			p := readTree(t, o.project, filetree.Files{
				"package.json": "{}", "a.js": "a\n", ".dockerignore": "*.json\n.dockerignore\n",
				"runtime.yaml": "profile: node\nbase: debian:bookworm\ndependencies: {manager: none}\n",
			}.Write(t, t.TempDir()))
			f, err := newFolder(filepath.Join(t.TempDir(), "folder"), p.Project)
			must(t, err)
			must(t, f.stage())
			file := filepath.Join(p.Root, ".dockerignore")
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
