package buildfolder

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rtbuild/rtbuild/internal/profile"
	"github.com/rtbuild/rtbuild/internal/project"
	"github.com/rtbuild/rtbuild/internal/runtimefile"
	"github.com/rtbuild/rtbuild/internal/testenv/filetree"
)

const (
	examples   = "../../examples/"
	repository = "registry.example.com/t/r"
)

// read reads a project and computes its tags.
func read(t *testing.T, dir string, opts project.Options) *project.Project {
	t.Helper()
	p, err := project.Read(dir, opts)
	must(t, err)
	must(t, p.ComputeTags(t.Context(), repository))
	return p
}

// write writes the build folder of a project.
func write(t *testing.T, folder, dir string, opts project.Options, syntax string) error {
	t.Helper()
	p, err := project.Read(dir, opts)
	must(t, err)
	f, err := New(folder, p)
	if err != nil {
		return err
	}
	if err := p.ComputeTags(t.Context(), repository); err != nil {
		return err
	}
	return f.Write(t.Context(), syntax)
}

// TestSameImage: a folder has the tags, the copied files and the runtime of the project.
func TestSameImage(t *testing.T) {
	locked := `{"name": "a", "version": "2.0.0", "lockfileVersion": 3, "packages": {}}`
	extra := "echo 'a: b' # c"
	tests := []struct {
		name string
		dir  string         // of the examples
		tree filetree.Files // else
		opts project.Options
	}{
		{name: "node", dir: "node-agent"},
		{name: "python, of the command line", dir: "python-agent", opts: project.Options{Overrides: profile.Options{
			Base: "ubuntu:24.04", Version: "1.10", Extra: &extra,
		}}},
		{name: "source paths of which all is ignored", tree: filetree.Files{
			"package.json": "{}", "package-lock.json": locked, "a.js": "a\n", ".hidden/b": "b\n", "c.txt": "c\n",
			"runtime.yaml": "base: debian:bookworm\nsource: [{path: a.js}, {path: .hidden}, {path: c.txt}]\nignore: [.hidden, c.txt]\n",
		}},
		{name: "openhands", tree: filetree.OpenHands()},
		{name: "openhands, without a browser", tree: filetree.OpenHands(), opts: project.Options{Overrides: profile.Options{
			Base: "debian:bookworm", NoBrowser: true,
		}}},
		{name: "openhands, with a runtime file", tree: filetree.OpenHands().With(filetree.Files{
			"runtime.yaml": "# ours\ncomponents: {editor: false} # none\nextra: |\n  echo a\n  echo b\n",
		}), opts: project.Options{Overrides: profile.Options{NoBrowser: true}}},
		{name: "openhands, components given as nothing but that", tree: filetree.OpenHands().With(filetree.Files{
			"runtime.yaml": "components:\n  browser: true\n",
		}), opts: project.Options{Overrides: profile.Options{NoBrowser: true}}},
		{name: "lock files in the package", tree: filetree.OpenHands().With(filetree.Files{"openhands/poetry.lock": "# another\n"})},
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
		}, opts: project.Options{File: "agent.yaml"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := examples + test.dir
			if test.dir == "" {
				dir = test.tree.Write(t, t.TempDir())
			}
			folder := filepath.Join(t.TempDir(), "new", "folder")
			for range 2 { // the second time it replaces its own
				must(t, write(t, folder, dir, test.opts, ""))
			}
			want := read(t, dir, test.opts)
			got := read(t, folder, project.Options{File: filepath.Join(folder, dockerfile)})
			if got.Tags != want.Tags || got.Tree.Copied != want.Tree.Copied {
				t.Errorf("the folder has %+v, %s\nthe project    %+v, %s", got.Tags, got.Tree.Copied, want.Tags, want.Tree.Copied)
			}
			if same, err := sameRuntime(*got.Runtime, *want.Runtime); !same || err != nil {
				t.Errorf("the folder's runtime is %+v\nthe project's    %+v\n%v", got.Runtime, want.Runtime, err)
			}
		})
	}
}

// TestOpenHandsFolder writes to the folder that OpenHands' repository has for this purpose. Other files in it stay.
func TestOpenHandsFolder(t *testing.T) {
	dir := filetree.OpenHands().With(filetree.Files{"runtime.yaml": "# syntax=registry.example.com/frontend:2\nbase: debian:bookworm\n"}).Write(t, t.TempDir())
	folder := filepath.Join(dir, "containers", "runtime")
	opts := project.Options{Overrides: profile.Options{Base: "nikolaik/python-nodejs:python3.12-nodejs22"}}
	must(t, write(t, folder, dir, opts, ""))
	set := read(t, dir, opts).Tags
	want := filetree.Files{
		"README.md": "theirs\n", ".dockerignore": "*\n",
		"config.sh": "DOCKER_IMAGE=runtime\n" +
			"\nDOCKER_IMAGE_TAG=oh_v0.16.1_image_nikolaik_s_python-nodejs_tag_python3.12-nodejs22\nDOCKER_IMAGE_SOURCE_TAG=" + set.Source + "\n",
		"Dockerfile": "# syntax=registry.example.com/frontend:2\n" + runtimefile.RootLine + "code\n" + madeLine + "\n" +
			"base: nikolaik/python-nodejs:python3.12-nodejs22\nprofile: openhands\nversion: 0.16.1\nrepository: registry.example.com/t/r\n",
		"code/pyproject.toml":             filetree.OpenHands()["pyproject.toml"],
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
		"code/microagents/git.md":             "a microagent\n",
		"code/skills/git.md":                  "a skill\n",
	}
	if got := filetree.List(t, folder); !maps.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	t.Run("again", func(t *testing.T) {
		filetree.Files{"code/openhands/stale.py": "", ".rtbuild-prepare/code/left": "by a killed run\n", "own.txt": "kept\n"}.Write(t, folder)
		must(t, write(t, folder, dir, opts, ""))
		again := want.Without()
		again["own.txt"] = "kept\n"
		_, appended, _ := strings.Cut(want["config.sh"], "runtime\n")
		again["config.sh"] += appended
		if got := filetree.List(t, folder); !maps.Equal(got, again) {
			t.Errorf("got  %q\nwant %q", got, again)
		}
	})
}

// TestRefuses: after an error, all files are unchanged.
func TestRefuses(t *testing.T) {
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
		base   string
		syntax string
		want   string
	}{
		{name: "the project", tree: node(), folder: "project", want: "it contains the project"},
		{name: "above the project", tree: node(), folder: ".", want: "it contains the project"},
		{name: "a file", tree: node().With(filetree.Files{"../folder": "a file\n"}), folder: "folder", want: "is not a directory"},
		{name: "below a file", tree: node().With(filetree.Files{"../folder": "a file\n"}), folder: "folder/x", want: "not a directory"},
		{name: "another Dockerfile", tree: node().With(filetree.Files{"../folder/Dockerfile": "FROM debian\n"}), folder: "folder", want: "its Dockerfile was not made by prepare"},
		{name: "another code", tree: node().With(filetree.Files{"../folder/code/a": ""}), folder: "folder", want: "its code was not made by prepare"},
		{name: "in the source", tree: node(), folder: "project/out", want: "its code would be hashed with the project's source: give a folder outside of the source, or name this one in .dockerignore"},
		{name: "in the source, by a link", tree: node().With(filetree.Files{"../folder": "-> project/out"}).With(filetree.Files{"out/x": ""}), folder: "folder", want: "its code would be hashed"},
		{name: "half in the source", tree: node(), folder: "project/half", want: "its Dockerfile would be hashed"},
		{name: "in the original's source", tree: filetree.OpenHands(), folder: "project/openhands/out", want: "would be hashed with the project's source: give a folder outside of the source"},
		{name: "in what is copied unhashed", tree: filetree.OpenHands(), folder: "project/skills", want: "its code would be hashed"},
		{name: "a link out of the context", tree: node().With(filetree.Files{"../secret": "s\n", "link": "-> ../secret"}), folder: "folder", want: "links that leave the context, which no builder can follow: link"},
		{name: "syntax of two lines", tree: node(), folder: "folder", syntax: "a\nb", want: "invalid --syntax"},
		{name: "no room for config.sh", tree: node().With(filetree.Files{"../folder/config.sh": "-> /dev/full"}), folder: "folder", want: "no space left on device: free some space there"},
		{name: "aliases", tree: node().With(filetree.Files{"runtime.yaml": "base: &a debian:bookworm\nenv: {A: *a}\n"}), folder: "folder", base: "debian:trixie", want: "write its fields without anchors and aliases"},
		{name: "no such source", tree: node().With(filetree.Files{"../folder/Dockerfile": made, "../folder/code/old": "kept\n"}).With(filetree.Files{"runtime.yaml": "base: debian:bookworm\nsource: [{path: none}]\n"}), folder: "folder", want: `source "none"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			parent := t.TempDir()
			dir := test.tree.Write(t, filepath.Join(parent, "project"))
			before := filetree.List(t, parent)
			opts := project.Options{Overrides: profile.Options{Base: test.base}}
			err := write(t, filepath.Join(parent, test.folder), dir, opts, test.syntax)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %v, want %q", err, test.want)
			}
			if after := filetree.List(t, parent); test.name != "no room for config.sh" && !maps.Equal(before, after) {
				t.Errorf("files were changed:\n%q\n%q", before, after)
			}
		})
	}
}

// TestFolderOutsideTheSource: the folder may be below the project if it does not change the tags.
func TestFolderOutsideTheSource(t *testing.T) {
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
			dir := filetree.Files{
				"package.json": "{}", "package-lock.json": `{"lockfileVersion": 3, "packages": {}}`, "a.js": "a\n",
				"runtime.yaml": "base: debian:bookworm\n",
			}.With(test.tree).Write(t, t.TempDir())
			before := read(t, dir, project.Options{}).Tags
			must(t, write(t, filepath.Join(dir, test.folder), dir, project.Options{}, ""))
			if after := read(t, dir, project.Options{}).Tags; after != before {
				t.Errorf("the tags were\n%+v\nand are\n%+v", before, after)
			}
		})
	}
}

// TestRuntimeFile: a Dockerfile keeps the style of the runtime file, and has the settings of options and other files.
func TestRuntimeFile(t *testing.T) {
	const header = "# syntax=" + Frontend + "\n" + runtimefile.RootLine + "code\n" + madeLine + "\n"
	const pinned = "profile: node\nbase: debian:bookworm\nversion: 1.0.0\nrepository: registry.example.com/t/r\n"
	extra := "true"
	tests := []struct {
		name, file string
		opts       profile.Options
		syntax     string
		want       string
	}{
		{name: "none", opts: profile.Options{Profile: "node", Base: "debian:bookworm"}, want: header + pinned},
		{
			name: "comments and forms stay", file: "# One.\n\nbase: \"debian:bookworm\" # two\n# Three.\nenv: {A: 1.10, B: 'x'}\n",
			want: header + "# One.\n\nbase: \"debian:bookworm\" # two\n# Three.\nenv: {A: 1.10, B: 'x'}\nprofile: node\nversion: 1.0.0\nrepository: registry.example.com/t/r\n",
		},
		{
			name: "its own frontend", file: "# syntax = registry.example.com/f:1 # x\nbase: debian:bookworm\n",
			want: "# syntax=registry.example.com/f:1 # x\n" + runtimefile.RootLine + "code\n" + madeLine + "\nbase: debian:bookworm\nprofile: node\nversion: 1.0.0\nrepository: registry.example.com/t/r\n",
		},
		{
			name: "another frontend", file: "# syntax=registry.example.com/f:1\nbase: debian:bookworm\n", syntax: "example.com/g",
			want: "# syntax=example.com/g\n" + runtimefile.RootLine + "code\n" + madeLine + "\nbase: debian:bookworm\nprofile: node\nversion: 1.0.0\nrepository: registry.example.com/t/r\n",
		},
		{
			name: "the command line wins", file: "base: debian:bookworm\nextra: echo\nversion: 2.0\n",
			opts: profile.Options{Version: "1.10", Extra: &extra, Base: "a"},
			want: header + "base: a\nextra: \"true\"\nversion: \"1.10\"\nprofile: node\nrepository: registry.example.com/t/r\n",
		},
		{name: "a file that prepare made", file: header + pinned, want: header + pinned},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			files := filetree.Files{"package.json": `{"version": "1.0.0"}`, "package-lock.json": `{"lockfileVersion": 3, "packages": {}}`}
			if test.file != "" {
				files["runtime.yaml"] = test.file
			}
			folder := t.TempDir()
			must(t, write(t, folder, files.Write(t, t.TempDir()), project.Options{Overrides: test.opts}, test.syntax))
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
