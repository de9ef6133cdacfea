package buildfolder

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/rtbuild/rtbuild/internal/project"
	"github.com/rtbuild/rtbuild/internal/testenv/filetree"
	"github.com/rtbuild/rtbuild/tags"
)

// TestChangedUnhashedFile changes files that reading the project depends on, but that are not hashed, while a folder is written.
// The folder would have other tags, and the error names the file.
func TestChangedUnhashedFile(t *testing.T) {
	put := func(name, content string) func(*testing.T, *project.Project) {
		return func(t *testing.T, p *project.Project) { filetree.Files{name: content}.Write(t, p.Root) }
	}
	remove := func(t *testing.T, p *project.Project) { must(t, os.Remove(filepath.Join(p.Root, ".dockerignore"))) }
	files := func() filetree.Files {
		return filetree.Files{
			"package.json": `{"version": "2.0.0", "scripts": {"start": "node a.js"}}`, "a.js": "a\n", "b.log": "b\n", ".dockerignore": "*.log\n*.json\n.dockerignore\n",
			"runtime.yaml": "profile: node\nbase: debian:bookworm\ndependencies: {manager: none}\n",
		}
	}
	tests := []struct {
		name   string
		files  filetree.Files
		change func(*testing.T, *project.Project)
		path   string // of a *tags.ChangedError
		want   string
	}{
		{"a file that says what is ignored", files(), put(".dockerignore", "*.json\n.dockerignore\na.js\n"), ".dockerignore", "its content is different"},
		{"it is gone", files(), remove, ".dockerignore", "file does not exist"},
		{"it is new", files().Without(".dockerignore"), put(".dockerignore", "a.js\n"), ".dockerignore", "it did not exist before"},
		{"a manifest", files(), put("package.json", `{"version": "2.0.0", "main": "a.js"}`), "package.json", "its content is different"},
		{"a link out of the context", files(), func(t *testing.T, p *project.Project) {
			remove(t, p)
			filetree.Files{".dockerignore": "-> /etc/hostname"}.Write(t, p.Root)
		}, "", ".dockerignore: a link leads out of the context"},
		{"none", files(), func(_ *testing.T, p *project.Project) { p.Tags.Source = "another" }, "", "has the source tag"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := read(t, test.files.Write(t, t.TempDir()), project.Options{})
			f, err := New(filepath.Join(t.TempDir(), "folder"), p)
			must(t, err)
			test.change(t, p)
			err = f.Write(t.Context(), "")
			var changed *tags.ChangedError
			if errors.As(err, &changed) != (test.path != "") || changed != nil && changed.Path != test.path || err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestChangedHashedFile: a file that changes between the hash and the copy is an error, and no folder is written.
func TestChangedHashedFile(t *testing.T) {
	changes := map[string]func(file string) error{
		"rewritten": func(file string) error { return os.WriteFile(file, []byte("two"), 0o644) },
		"deleted":   os.Remove,
		"a link":    func(file string) error { return errors.Join(os.Remove(file), os.Symlink("/etc/passwd", file)) },
	}
	for name, change := range changes {
		for _, file := range []string{"src/app.js", "package-lock.json"} {
			t.Run(name+" "+file, func(t *testing.T) {
				dir := filetree.Files{"package.json": "{}", "package-lock.json": "one", "src/app.js": "one", "runtime.yaml": "base: debian\n"}.Write(t, t.TempDir())
				folder := filepath.Join(t.TempDir(), "folder")
				f, err := New(folder, read(t, dir, project.Options{}))
				must(t, err)
				must(t, change(filepath.Join(dir, file)))
				var changed *tags.ChangedError
				if err := f.Write(t.Context(), ""); !errors.As(err, &changed) || changed.Path != file {
					t.Errorf("got %v", err)
				}
				if _, err := os.Lstat(filepath.Join(folder, dockerfile)); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("the folder builds: %v", err)
				}
				if name == "rewritten" {
					must(t, write(t, folder, dir, project.Options{}, ""))
				}
			})
		}
	}
}

// TestCopierOpensNoPipe: a pipe or a link may replace a file after it was read. The copier does not block on the pipe, and does not
// follow the link.
func TestCopierOpensNoPipe(t *testing.T) {
	for name, swap := range map[string]func(file string) error{
		"a pipe": func(file string) error { return syscall.Mkfifo(file, 0o644) },
		"a link": func(file string) error { return os.Symlink("/etc/hostname", file) },
	} {
		t.Run(name, func(t *testing.T) {
			p := read(t, filetree.Files{
				"package.json": "{}", "a.js": "a\n", ".dockerignore": "*.json\n.dockerignore\n",
				"runtime.yaml": "profile: node\nbase: debian:bookworm\ndependencies: {manager: none}\n",
			}.Write(t, t.TempDir()), project.Options{})
			f, err := New(filepath.Join(t.TempDir(), "folder"), p)
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
