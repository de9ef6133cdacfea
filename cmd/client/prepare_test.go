package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/rtbuild/rtbuild/internal/profile"
	"github.com/rtbuild/rtbuild/internal/testenv/filetree"
	"github.com/rtbuild/rtbuild/tags"
)

// command runs a command line and gives what it printed.
func command(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	root := newRoot()
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetArgs(args)
	err := root.ExecuteContext(t.Context())
	return out.String(), err
}

func mustCommand(t *testing.T, args ...string) string {
	t.Helper()
	out, err := command(t, args...)
	if err != nil {
		t.Fatalf("%q: %v", args, err)
	}
	return out
}

// openhands is a project like OpenHands.
func openhands() filetree.Files {
	return filetree.Files{
		"pyproject.toml":                   "[tool.poetry]\nname = \"openhands-ai\"\nversion = \"0.16.1\"\n",
		"poetry.lock":                      "# locked\n",
		"README.md":                        "not in the image\n",
		"openhands/__init__.py":            "",
		"openhands/README.md":              "hashed, not copied\n",
		"openhands/.env":                   "HASHED=1\n",
		"openhands/.cache/x.py":            "hidden directories are ignored\n",
		"openhands/__pycache__/x.py":       "ignored\n",
		"openhands/agent/run.sh":           "! #!/bin/sh\n",
		"openhands/agent/prompt.md":        "a prompt\n",
		"openhands/agent/prompt.txt":       "-> prompt.md",
		"openhands/linked":                 "-> agent",
		"openhands/core/config.py":         "x = 1\n",
		"openhands/core/settings.py":       "-> config.py",
		"openhands/core/shared":            "-> ../../shared",
		"openhands/core/gone":              "-> nowhere",
		"shared/data.txt":                  "reached by a link alone\n",
		"skills/git.md":                    "a skill\n",
		"skills/.more/all.md":              "ignored\n",
		"containers/runtime/README.md":     "theirs\n",
		"containers/runtime/config.sh":     "DOCKER_IMAGE=runtime\n",
		"containers/runtime/.dockerignore": "*\n",
	}
}

const examples = "../../examples/"

// readTree computes a project.
func readTree(t *testing.T, o projectOptions, dir string) *target {
	t.Helper()
	o.format = "text"
	p, err := o.read([]string{dir})
	if err == nil {
		err = p.ComputeTags(t.Context(), "")
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPrepareGivesTheSameImage(t *testing.T) {
	locked := `{"name": "a", "version": "2.0.0", "lockfileVersion": 3, "packages": {}}`
	tests := []struct {
		name string
		dir  string         // of the examples
		tree filetree.Files // else
		args []string
	}{
		{name: "node", dir: "node-agent"},
		{name: "python, of the command line", dir: "python-agent", args: []string{
			"--base-image", "ubuntu:24.04", "--runtime-version", "1.10", "--repository", "registry.example.com/t/r", "--extra-deps", "echo 'a: b' # c",
		}},
		{name: "source paths of which all is ignored", tree: filetree.Files{
			"package.json": "{}", "package-lock.json": locked, "a.js": "a\n", ".hidden/b": "b\n", "c.txt": "c\n",
			"runtime.yaml": "base: debian:bookworm\nsource: [{path: a.js}, {path: .hidden}, {path: c.txt}]\nignore: [.hidden, c.txt]\n",
		}},
		{name: "openhands", tree: openhands()},
		{name: "openhands, as its CI calls it", tree: openhands(), args: []string{
			"--base_image", "debian:bookworm", "--force_rebuild", "--no_enable_browser", "--platform", "linux/amd64",
		}},
		{name: "openhands, with a runtime file", tree: openhands().With(filetree.Files{
			"runtime.yaml": "# ours\ncomponents: {editor: false} # none\nextra: |\n  echo a\n  echo b\n",
		}), args: []string{"--no-browser"}},
		{name: "openhands, components given as nothing but that", tree: openhands().With(filetree.Files{
			"runtime.yaml": "components:\n  browser: true\n",
		}), args: []string{"--no-browser"}},
		{name: "lock files in the package", tree: openhands().With(filetree.Files{"openhands/poetry.lock": "# another\n"})},
		{name: "what is read is not hashed", tree: filetree.Files{
			"package.json": `{"name": "a", "version": "2.0.0", "scripts": {"start": "node a.js"}}`, "a.js": "a\n", "b.log": "b\n",
			".dockerignore": "*.log\n*.json\n.dockerignore\n",
			"runtime.yaml":  "profile: node\nbase: debian:bookworm\ndependencies: {manager: none}\n",
		}},
		{name: "workspaces", tree: filetree.Files{
			"package.json": `{"name": "a", "version": "2.0.0", "workspaces": ["packages/*"]}`, "package-lock.json": locked,
			"packages/b/package.json": `{"name": "b"}`, "packages/b/b.js": "b\n", "packages/c/c.js": "c\n",
			"runtime.yaml": "base: debian:bookworm\nsource: [{path: packages/b/b.js}, {path: packages/c, hash: false}]\n",
		}},
		{name: "included requirements, a version of another file", tree: filetree.Files{
			"requirements.txt": "-r more/base.txt\nb==1\n", "more/base.txt": "a==1\n", "pyproject.toml": "[project]\nname = \"x\"\nversion = \"3.1\"\n",
			"src/a.py": "a\n", "runtime.yaml": "base: debian:bookworm\nsource: [{path: src}]\nignore: [\"*.log\"]\nenv: {A: 1.10}\n" +
				"network: {mirrors: {\"https://a.example\": \"https://b.example\"}}\n",
		}},
		{name: "a runtime file of another name", tree: filetree.Files{
			"package-lock.json": locked, "package.json": "{}", "a.js": "a\n", "agent.yaml": "base: debian:bookworm\nprofile: node\n",
		}, args: []string{"--file", "agent.yaml"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv(repositoryEnv, "")
			dir := examples + test.dir
			if test.dir == "" {
				dir = test.tree.Write(t, t.TempDir())
			}
			folder := filepath.Join(t.TempDir(), "new", "folder")
			prepare := slices.Concat([]string{"prepare", "--build_folder", folder, dir}, test.args)
			for range 2 { // the second time it replaces its own
				if out := mustCommand(t, prepare...); out != folder+"\n" {
					t.Errorf("printed %q, want the folder", out)
				}
			}
			var o prepareOptions
			root := newRoot()
			o.register(root)
			if err := root.ParseFlags(test.args); err != nil {
				t.Fatal(err)
			}
			want := readTree(t, o.project, dir)
			got := readTree(t, projectOptions{file: filepath.Join(folder, "Dockerfile")}, folder)
			if got.Tags != want.Tags || got.Tree.Copied != want.Tree.Copied {
				t.Errorf("the folder has %+v, %s\nthe project    %+v, %s", got.Tags, got.Tree.Copied, want.Tags, want.Tree.Copied)
			}
			if same, err := sameRuntime(*got.Runtime, *want.Runtime); !same || err != nil {
				t.Errorf("the folder's runtime is %+v\nthe project's    %+v\n%v", got.Runtime, want.Runtime, err)
			}
		})
	}
}

func TestPrepareInTheOriginalsPlace(t *testing.T) {
	t.Setenv(repositoryEnv, "")
	dir := openhands().With(filetree.Files{"runtime.yaml": "# syntax=registry.example.com/frontend:2\nbase: debian:bookworm\n"}).Write(t, t.TempDir())
	folder := filepath.Join(dir, "containers", "runtime")
	mustCommand(t, "prepare", "--build_folder", folder, "--base_image", "nikolaik/python-nodejs:python3.12-nodejs22", "--force_rebuild", dir)
	var set tags.Set
	if err := json.Unmarshal([]byte(mustCommand(t, "tags", "--format", "json", "--base-image",
		"nikolaik/python-nodejs:python3.12-nodejs22", dir)), &set); err != nil {
		t.Fatal(err)
	}
	want := filetree.Files{
		"README.md": "theirs\n", ".dockerignore": "*\n",
		"config.sh": "DOCKER_IMAGE=runtime\n" +
			"\nDOCKER_IMAGE_TAG=oh_v0.16.1_image_nikolaik_s_python-nodejs_tag_python3.12-nodejs22\nDOCKER_IMAGE_SOURCE_TAG=" + set.Source + "\n",
		"Dockerfile": "# syntax=registry.example.com/frontend:2\n" + profile.RootLine + "code\n" + madeLine + "\n" +
			"base: nikolaik/python-nodejs:python3.12-nodejs22\nprofile: openhands\nversion: 0.16.1\nrepository: ghcr.io/all-hands-ai/runtime\n",
		"code/pyproject.toml":             openhands()["pyproject.toml"],
		"code/poetry.lock":                "# locked\n",
		"code/openhands/__init__.py":      "",
		"code/openhands/README.md":        "hashed, not copied\n",
		"code/openhands/.env":             "HASHED=1\n",
		"code/openhands/agent/run.sh":     "! #!/bin/sh\n",
		"code/openhands/agent/prompt.md":  "a prompt\n",
		"code/openhands/agent/prompt.txt": "-> prompt.md",
		"code/openhands/linked":           "-> agent",
		"code/openhands/core/config.py":   "x = 1\n",
		"code/openhands/core/settings.py": "-> config.py",
		// The link leads out of what is copied, so it is what it points to.
		"code/openhands/core/shared/data.txt": "reached by a link alone\n",
		"code/skills/git.md":                  "a skill\n",
	}
	if got := filetree.List(t, folder); !maps.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	t.Run("again", func(t *testing.T) {
		filetree.Files{"code/openhands/stale.py": "", ".rtbuild-prepare/code/left": "by a killed run\n", "own.txt": "kept\n"}.Write(t, folder)
		mustCommand(t, "prepare", "--build_folder", folder, "--base_image", "nikolaik/python-nodejs:python3.12-nodejs22", dir)
		again := want.Without()
		again["own.txt"] = "kept\n"
		_, appended, _ := strings.Cut(want["config.sh"], "runtime\n")
		again["config.sh"] += appended
		if got := filetree.List(t, folder); !maps.Equal(got, again) {
			t.Errorf("got  %q\nwant %q", got, again)
		}
	})
}

func TestPrepareRefuses(t *testing.T) {
	node := func() filetree.Files {
		return filetree.Files{
			"package.json": "{}", "package-lock.json": `{"lockfileVersion": 3, "packages": {}}`, "a.js": "a\n",
			"runtime.yaml": "base: debian:bookworm\n", ".dockerignore": "build\nhalf/code\n",
		}
	}
	made := "# syntax=x\n" + madeLine + "\nbase: debian:bookworm\n"
	tests := []struct {
		name   string
		tree   filetree.Files
		folder string // below the project's parent
		args   []string
		want   string
	}{
		{name: "no folder", tree: node(), want: "give --build-folder DIR"},
		{name: "the project", tree: node(), folder: "project", want: "the project itself lies in it"},
		{name: "above the project", tree: node(), folder: ".", want: "the project itself lies in it"},
		{name: "a file", tree: node().With(filetree.Files{"../folder": "a file\n"}), folder: "folder", want: "is not a directory"},
		{name: "below a file", tree: node().With(filetree.Files{"../folder": "a file\n"}), folder: "folder/x", want: "not a directory"},
		{name: "another Dockerfile", tree: node().With(filetree.Files{"../folder/Dockerfile": "FROM debian\n"}), folder: "folder", want: "a Dockerfile that prepare has not made"},
		{name: "another code", tree: node().With(filetree.Files{"../folder/code/a": ""}), folder: "folder", want: "a code that prepare has not made"},
		{name: "in the source", tree: node(), folder: "project/out", want: "its code would be hashed with the project's source: give a folder outside of the source, or name this one in .dockerignore"},
		{name: "in the source, by a link", tree: node().With(filetree.Files{"../folder": "-> project/out"}).With(filetree.Files{"out/x": ""}), folder: "folder", want: "its code would be hashed"},
		{name: "half in the source", tree: node(), folder: "project/half", want: "its Dockerfile would be hashed"},
		{name: "in the original's source", tree: openhands(), folder: "project/openhands/out", want: "would be hashed with the project's source: give a folder outside of the source"},
		{name: "in what is copied unhashed", tree: openhands(), folder: "project/skills", want: "its code would be hashed"},
		{name: "a link out of the context", tree: node().With(filetree.Files{"../secret": "s\n", "link": "-> ../secret"}), folder: "folder", want: "links that leave the context, which no builder can follow: link"},
		{name: "syntax of two lines", tree: node(), folder: "folder", args: []string{"--syntax", "a\nb"}, want: "invalid --syntax"},
		{name: "no room for config.sh", tree: node().With(filetree.Files{"../folder/config.sh": "-> /dev/full"}), folder: "folder", want: "no space left on device: free some space there"},
		{name: "aliases", tree: node().With(filetree.Files{"runtime.yaml": "base: &a debian:bookworm\nenv: {A: *a}\n"}), folder: "folder", args: []string{"--base-image", "debian:trixie"}, want: "write its fields without anchors and aliases"},
		{name: "no such source", tree: node().With(filetree.Files{"../folder/Dockerfile": made, "../folder/code/old": "kept\n"}).With(filetree.Files{"runtime.yaml": "base: debian:bookworm\nsource: [{path: none}]\n"}), folder: "folder", want: `source "none"`},
		{name: "not a flag's value", tree: node(), folder: "folder", args: []string{"--enable_browser=maybe"}, want: "invalid"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv(repositoryEnv, "")
			parent := t.TempDir()
			dir := test.tree.Write(t, filepath.Join(parent, "project"))
			before := filetree.List(t, parent)
			args := append([]string{"prepare", dir}, test.args...)
			if test.folder != "" {
				args = append(args, "--build-folder", filepath.Join(parent, test.folder))
			}
			_, err := command(t, args...)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %v, want %q", err, test.want)
			}
			if code := exitCode(err); code != exitUsage {
				t.Errorf("exit code %d, want %d", code, exitUsage)
			}
			if after := filetree.List(t, parent); test.name != "no room for config.sh" && !maps.Equal(before, after) {
				t.Errorf("files were changed:\n%q\n%q", before, after)
			}
		})
	}
}

func TestPrepareMayLieWhereNothingIsHashed(t *testing.T) {
	tests := []struct {
		name, folder string
		tree         filetree.Files
	}{
		{name: "ignored", folder: "build", tree: filetree.Files{".dockerignore": "build\n"}},
		{name: "ignored with its contents alone", folder: "build", tree: filetree.Files{".dockerignore": "build/*\n"}},
		{name: "beside the source paths", folder: "out", tree: filetree.Files{
			"runtime.yaml": "base: debian:bookworm\nsource: [{path: src}]\n", "src/a.js": "",
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv(repositoryEnv, "")
			dir := filetree.Files{
				"package.json": "{}", "package-lock.json": `{"lockfileVersion": 3, "packages": {}}`, "a.js": "a\n",
				"runtime.yaml": "base: debian:bookworm\n",
			}.With(test.tree).Write(t, t.TempDir())
			before := mustCommand(t, "tags", dir)
			mustCommand(t, "prepare", "--build-folder", filepath.Join(dir, test.folder), dir)
			if after := mustCommand(t, "tags", dir); after != before {
				t.Errorf("the tags were\n%sand are\n%s", before, after)
			}
		})
	}
}

// A folder that is full while code is copied stays what it was.
func TestPrepareLeavesTheOldFolder(t *testing.T) {
	t.Setenv(repositoryEnv, "")
	folder := t.TempDir()
	if err := syscall.Mount("none", folder, "tmpfs", 0, "size=64k"); err != nil {
		t.Fatal("cannot mount a small file system: run as root:", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(folder, 0); err != nil {
			t.Error(err)
		}
	})
	dir := openhands().Write(t, t.TempDir())
	mustCommand(t, "prepare", "--build-folder", folder, dir)
	before := filetree.List(t, folder)
	filetree.Files{"openhands/big.py": strings.Repeat("# large\n", 20_000)}.Write(t, dir)
	_, err := command(t, "prepare", "--build-folder", folder, dir)
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "free some space there") {
		t.Errorf("got %v, want that there is no space", err)
	}
	if after := filetree.List(t, folder); !maps.Equal(before, after) {
		t.Errorf("files were changed:\n%q\n%q", before, after)
	}
}

func TestPreparePrintsTags(t *testing.T) {
	t.Setenv(repositoryEnv, "registry.example.com/t/r")
	got := mustCommand(t, "prepare", "--format", "json", "--build-folder", t.TempDir(), examples+"node-agent")
	if want := mustCommand(t, "tags", "--format", "json", examples+"node-agent"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestPreparedFile(t *testing.T) {
	const header = "# syntax=" + frontendImage + "\n" + profile.RootLine + "code\n" + madeLine + "\n"
	const pinned = "profile: node\nbase: debian:bookworm\nversion: 1.0.0\n"
	tests := []struct {
		name, file string
		args       []string
		want       string
	}{
		{name: "none", args: []string{"--profile", "node", "--base-image", "debian:bookworm"}, want: header + pinned},
		{
			name: "comments and forms stay", file: "# One.\n\nbase: \"debian:bookworm\" # two\n# Three.\nenv: {A: 1.10, B: 'x'}\n",
			want: header + "# One.\n\nbase: \"debian:bookworm\" # two\n# Three.\nenv: {A: 1.10, B: 'x'}\nprofile: node\nversion: 1.0.0\n",
		},
		{
			name: "its own frontend", file: "# syntax = registry.example.com/f:1 # x\nbase: debian:bookworm\n",
			want: "# syntax=registry.example.com/f:1 # x\n" + profile.RootLine + "code\n" + madeLine + "\nbase: debian:bookworm\nprofile: node\nversion: 1.0.0\n",
		},
		{
			name: "another frontend", file: "# syntax=registry.example.com/f:1\nbase: debian:bookworm\n", args: []string{"--syntax", "example.com/g"},
			want: "# syntax=example.com/g\n" + profile.RootLine + "code\n" + madeLine + "\nbase: debian:bookworm\nprofile: node\nversion: 1.0.0\n",
		},
		{
			name: "the command line wins", file: "base: debian:bookworm\nextra: echo\nversion: 2.0\n",
			args: []string{"--runtime-version", "1.10", "--extra-deps", "true", "--repository", "example.com/r", "--base-image", "a"},
			want: header + "base: a\nextra: \"true\"\nversion: \"1.10\"\nprofile: node\nrepository: example.com/r\n",
		},
		{name: "a file that prepare made", file: header + pinned, want: header + pinned},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv(repositoryEnv, "")
			files := filetree.Files{"package.json": `{"version": "1.0.0"}`, "package-lock.json": `{"lockfileVersion": 3, "packages": {}}`}
			if test.file != "" {
				files["runtime.yaml"] = test.file
			}
			folder := t.TempDir()
			mustCommand(t, slices.Concat([]string{"prepare", "--build-folder", folder, files.Write(t, t.TempDir())}, test.args)...)
			got, err := os.ReadFile(filepath.Join(folder, dockerfile))
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

func TestPrepareBrowserFlags(t *testing.T) {
	tests := []struct {
		name string
		args []string
		off  bool
	}{
		{name: "by default"},
		{name: "ours", args: []string{"--no-browser"}, off: true},
		{name: "the original's", args: []string{"--no_enable_browser"}, off: true},
		{name: "the last wins", args: []string{"--no_enable_browser", "--enable_browser"}},
		{name: "and the other way round", args: []string{"--enable_browser", "--no_enable_browser"}, off: true},
		{name: "by value", args: []string{"--enable-browser=false"}, off: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var o prepareOptions
			cmd := newRoot()
			o.register(cmd)
			if err := cmd.ParseFlags(test.args); err != nil {
				t.Fatal(err)
			}
			if o.project.noBrowser != test.off {
				t.Errorf("got %v, want %v", o.project.noBrowser, test.off)
			}
		})
	}
}

func TestPrepareRootOf(t *testing.T) {
	tests := []struct{ name, file, want, err string }{
		{name: "empty", want: "."},
		{name: "not said", file: "# syntax=x\nbase: a\n", want: "."},
		{name: "said", file: "# syntax=x\n" + profile.RootLine + "code\nbase: a\n", want: "code"},
		{name: "of a file from elsewhere", file: "# syntax=x\r\n\r\n" + profile.RootLine + "a/b \r\nbase: a\r\n", want: "a/b"},
		{name: "too late", file: "base: a\n" + profile.RootLine + "code\n", want: "."},
		{name: "upwards", file: profile.RootLine + "../x\n", err: "names no directory below the context"},
		{name: "absolute", file: profile.RootLine + "/x\n", err: "names no directory below the context"},
		{name: "nothing", file: profile.RootLine + "\n", err: "names no directory below the context"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := profile.Root([]byte(test.file))
			if test.err == "" && (err != nil || got != test.want) || test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)) {
				t.Errorf("got %q and %v, want %q and %q", got, err, test.want, test.err)
			}
		})
	}
}
