package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestUntrustedProjects shows that what is no regular file within the context is neither read nor waited for, and that the error
// names it and says what to do. A link's error shows nothing of what it points to.
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
		files tree
		more  func(t *testing.T, dir string)
		args  []string
		want  string
	}{
		{"runtime.yaml is a pipe", nil, fifo("runtime.yaml"), nil, "runtime.yaml: it is a pipe" + put},
		{".dockerignore is a pipe", nil, fifo(".dockerignore"), nil, ".dockerignore: it is a pipe" + put},
		{"package.json is a pipe", nil, fifo("package.json"), nil, "package.json: it is a pipe" + put},
		{".dockerignore is a link to a device", tree{".dockerignore": "-> /dev/zero"}, nil, nil, ".dockerignore" + leaves},
		{"runtime.yaml is a link to a secret", tree{"runtime.yaml": "-> " + secret}, nil, nil, "runtime.yaml" + leaves},
		{"-f names a link of the project to a secret", tree{"x.yaml": "-> " + secret}, nil, []string{"-f", "DIR/x.yaml"}, "x.yaml" + leaves},
		{"-f, relative to the context", tree{"x.yaml": "-> " + secret}, nil, []string{"-f", "x.yaml"}, "x.yaml" + leaves},
		{"runtime.yaml is 40 MB", nil, large, nil, "runtime.yaml: it has 41943060 bytes or more, and at most 1 MiB of such a file are read"},
		{"-f /dev/zero", nil, nil, []string{"-f", "/dev/zero"}, "/dev/zero: it is a device" + put},
		{"-f -", nil, nil, []string{"-f", "-"}, "-f -: standard input is not read: write the runtime file to a file, and name that"},
		{"-f <(...)", nil, nil, []string{"-f", fmt.Sprintf("/dev/fd/%d", read.Fd())}, "it is a pipe" + put},
		{"-f names a file elsewhere", nil, nil, []string{"-f", "testdata/none.yaml"}, "testdata/none.yaml: no such file or directory"},
		{"a lock file is a pipe", nil, fifo("package-lock.json"), nil, `lock file "package-lock.json": not the right kind of file: a named pipe`},
		{"a lock file is a link to a device", tree{"package-lock.json": "-> /dev/zero"}, nil, nil, `lock file "package-lock.json": it leaves the context`},
		{"a link in the source leads to the root of the machine", tree{"prefix/z:": "-> /"}, nil, nil,
			"the source has links that leave the context, which no builder can follow: prefix/z:"},
		{"a name that deletes files", tree{".wh.node_modules": "x"}, nil, nil, `source ".wh.node_modules": the name cannot be used`},
		{"the root of a prepared folder is a link out of it", tree{"runtime.yaml": "# rtbuild: root=code\nbase: debian\n", "code": "-> /etc"}, nil, []string{"-f", "DIR/runtime.yaml"},
			"the runtime file's root code is a link that leaves the context"},
		{"workspaces in a circle", tree{"package.json": `{"workspaces": ["` + strings.Repeat("*/", 22) + `"]}`, "l": "-> .", "m": "-> ."}, nil, nil, "the link runs in a circle"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := tree{"package.json": "{}", "package-lock.json": "{}", "index.js": ""}.write(t, t.TempDir())
			for name := range test.files {
				_ = os.Remove(filepath.Join(dir, name))
			}
			test.files.write(t, dir)
			if test.more != nil {
				test.more(t, dir)
			}
			args := []string{"tags", dir, "--base-image", "debian"}
			for _, arg := range test.args {
				args = append(args, strings.ReplaceAll(arg, "DIR", dir))
			}
			_, err := command(t, args...)
			if !wantError(t, err, test.want) {
				return
			}
			if err != nil && (exitCode(err) != exitUsage || strings.Contains(err.Error(), "hunter2")) {
				t.Errorf("exit code %d: %v", exitCode(err), err)
			}
		})
	}
}
