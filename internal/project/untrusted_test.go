package project

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/rtbuild/rtbuild/internal/profile"
	"github.com/rtbuild/rtbuild/internal/testenv/filetree"
	"github.com/rtbuild/rtbuild/tags"
)

// TestUntrustedProjects: Read opens nothing in the context but regular files, and follows no link that leaves it. The error names
// the file and says what to do. It shows nothing of a link's target.
func TestUntrustedProjects(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("password: hunter2 : y"), 0o600); err != nil {
		t.Fatal(err)
	}
	fifo := func(name string) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			_ = os.Remove(filepath.Join(dir, name))
			if err := syscall.Mkfifo(filepath.Join(dir, name), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	large := func(_ *testing.T, dir string) {
		_ = os.WriteFile(filepath.Join(dir, "runtime.yaml"), []byte("base: debian\nextra: "+strings.Repeat("x", 40<<20)), 0o644)
	}
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	defer write.Close()
	const leaves = ": a link leads out of the context, and nothing is read there: copy what it points to into the context"
	const put = ", not a regular file: put a regular file there"
	tests := []struct {
		name  string
		files filetree.Files
		more  func(t *testing.T, dir string)
		file  string // -f
		want  string
	}{
		{"runtime.yaml is a pipe", nil, fifo("runtime.yaml"), "", "runtime.yaml: it is a pipe" + put},
		{".dockerignore is a pipe", nil, fifo(".dockerignore"), "", ".dockerignore: it is a pipe" + put},
		{"package.json is a pipe", nil, fifo("package.json"), "", "package.json: it is a pipe" + put},
		{".dockerignore is a link to a device", filetree.Files{".dockerignore": "-> /dev/zero"}, nil, "", ".dockerignore" + leaves},
		{"runtime.yaml is a link to a secret", filetree.Files{"runtime.yaml": "-> " + secret}, nil, "", "runtime.yaml" + leaves},
		{"-f names a link of the project to a secret", filetree.Files{"x.yaml": "-> " + secret}, nil, "DIR/x.yaml", "x.yaml" + leaves},
		{"-f, relative to the context", filetree.Files{"x.yaml": "-> " + secret}, nil, "x.yaml", "x.yaml" + leaves},
		{"runtime.yaml is 40 MB", nil, large, "", "runtime.yaml: it has at least 41943060 bytes, and the limit is 1 MiB"},
		{"-f /dev/zero", nil, nil, "/dev/zero", "/dev/zero: it is a device" + put},
		{"-f -", nil, nil, "-", "-f -: a runtime file on standard input is not supported: write it to a file, and name that"},
		{"-f <(...)", nil, nil, fmt.Sprintf("/dev/fd/%d", read.Fd()), "it is a pipe" + put},
		{"-f names a file elsewhere", nil, nil, "testdata/none.yaml", "testdata/none.yaml: no such file or directory"},
		{"a lock file is a pipe", nil, fifo("package-lock.json"), "", `lock file "package-lock.json": not the right kind of file: a named pipe`},
		{"a lock file is a link to a device", filetree.Files{"package-lock.json": "-> /dev/zero"}, nil, "", `lock file "package-lock.json": it leaves the context`},
		{"a link in the source leads to the root of the machine", filetree.Files{"prefix/z:": "-> /"}, nil, "",
			"the source has links that leave the context, which no builder can follow: prefix/z:"},
		{"a name that deletes files", filetree.Files{".wh.node_modules": "x"}, nil, "", `source ".wh.node_modules": the name cannot be used`},
		{"the root of a prepared folder is a link out of it", filetree.Files{"runtime.yaml": "# rtbuild: root=code\nbase: debian\n", "code": "-> /etc"}, nil, "DIR/runtime.yaml",
			"the runtime file's root code is a link that leaves the context"},
		{"workspaces in a loop", filetree.Files{"package.json": `{"workspaces": ["` + strings.Repeat("*/", 22) + `"]}`, "l": "-> .", "m": "-> ."}, nil, "", "the link forms a loop"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := filetree.Files{"package.json": "{}", "package-lock.json": "{}", "index.js": ""}.Write(t, t.TempDir())
			for name := range test.files {
				_ = os.Remove(filepath.Join(dir, name))
			}
			test.files.Write(t, dir)
			if test.more != nil {
				test.more(t, dir)
			}
			_, err := namesOf(t.Context(), dir, Options{
				File: strings.ReplaceAll(test.file, "DIR", dir), Overrides: profile.Options{Base: "debian"},
			})
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

// namesOf reads a project and computes its tags, as the command tags does.
func namesOf(ctx context.Context, dir string, opts Options) (tags.Set, error) {
	p, err := Read(dir, opts)
	if err != nil {
		return tags.Set{}, err
	}
	p.Inputs.Source.NamesOnly = true
	return p.Tags, p.ComputeTags(ctx, "")
}
