package profile

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rtbuild/rtbuild/internal/profile/manifests"
	"github.com/rtbuild/rtbuild/internal/projectfile"
	"github.com/rtbuild/rtbuild/internal/runtimefile"
	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
)

func TestLines(t *testing.T) {
	const file = `# syntax=example.com/frontend:1

profile: node
base: debian:bookworm  # ours
packages:
  - git
  - jq

# what we download
tools:
- name: uv
  version: 1
  url: https://e.com/uv
  sha256: {amd64: 0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a}
# a comment of the next
- {version: 1, url: "https://e.com/jq", name: jq,
   sha256: {amd64: 0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a}}

env: {A: uv}
extra: |
  make

  # not a comment of the file

...
`
	const aliased = "env: {A: x}\nprofile: node\nbase: debian\nuser: &u\n  uid: 7\n"
	said := "make"
	tests := []struct {
		name, file, field string
		opts              Options
		first, last       int
	}{
		{"a line", file, "base", Options{}, 4, 4},
		{"a block", file, "packages", Options{}, 5, 7},
		{"a list of maps", file, "tools", Options{}, 10, 17},
		{"its first item", file, "tools.uv", Options{}, 11, 14},
		{"its last item", file, "tools.jq", Options{}, 16, 17},
		{"an item that is not there", file, "tools.no", Options{}, 10, 17},
		{"an item by its path", "base: a\nsource:\n- path: ./src/\n  hash: false\n- hash: true\n  path: .\n", "source.src", Options{}, 3, 4},
		{"the context itself", "base: a\nsource:\n- path: ./src/\n  hash: false\n- hash: true\n  path: .\n", "source..", Options{}, 5, 6},
		{"an item that is a word", "base: a\nignore: ['*.log',\n  \"docs\"]\n", "ignore.docs", Options{}, 3, 3},
		{"an item of what is no list", file, "env.A", Options{}, 19, 19},
		{"a text that looks like a comment", file, "extra", Options{}, 20, 23},
		{"what is overridden", file, "extra", Options{Extra: &said}, 3, 3},
		{"what is not set", file, "user", Options{}, 3, 3},
		{"an item of what is not set", "base: a\nprofile: node", "tools.uv", Options{}, 2, 2},
		{"not set, without a profile", "# a\n\nbase: a\n", "user", Options{}, 3, 3},
		{"the last line, without an end", aliased, "user", Options{}, 4, 5},
		{"a file in one line", "{base: a, packages: [git]}", "base", Options{}, 1, 1},
		{"nothing but comments", "\n# a", "user", Options{Base: "debian"}, 1, 1},
		{"an empty file", "", "user", Options{Base: "debian"}, 1, 1},
		{"the file of the command line", "base: a", "base", Options{Name: "x.yaml", Data: []byte("\nprofile: node\nbase: b\n")}, 3, 3},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r, err := Load(nodeProject(test.file), test.opts)
			projecttest.CheckError(t, err, "")
			if at := r.Location(test.field); at.First != test.first || at.Last != test.last {
				t.Errorf("%s: lines %d to %d, want %d to %d", test.field, at.First, at.Last, test.first, test.last)
			}
		})
	}
}

func TestLinesWithoutFile(t *testing.T) {
	loaded, err := Load(projecttest.Files("package-lock.json", "{}"), Options{Base: "debian"})
	projecttest.CheckError(t, err, "")
	for _, r := range []*Runtime{{}, loaded} {
		at := r.Location("base")
		if _, data := r.File(); at.First != 0 || at.Last != 0 || data != nil {
			t.Errorf("lines %d to %d of %q", at.First, at.Last, data)
		}
	}
}

func TestFile(t *testing.T) {
	r, err := Load(nodeProject("base: a"), Options{})
	projecttest.CheckError(t, err, "")
	if name, data := r.File(); name != runtimefile.Name || string(data) != "base: a" {
		t.Errorf("got %s: %q", name, data)
	}
}

// TestPositionsLeaveNoTrace shows that how a file is written is in no tag.
func TestPositionsLeaveNoTrace(t *testing.T) {
	var all []*Runtime
	for _, yaml := range []string{"base: a\npackages: [git]\n", "# a\n\npackages:\n- git\nbase: a\n"} {
		r, err := Load(nodeProject(yaml), Options{})
		projecttest.CheckError(t, err, "")
		all = append(all, r)
	}
	if diff := cmp.Diff(all[0].TagInputs(), all[1].TagInputs()); diff != "" || all[0].ToolsDigest() != all[1].ToolsDigest() {
		t.Error(diff)
	}
	if diff := compareRuntimes(all[0], all[1]); diff != "" {
		t.Error(diff)
	}
}

// TestErrorParts shows what a frontend makes of an error: it has the file, and shows the place in its own way.
func TestErrorParts(t *testing.T) {
	tests := []struct {
		name    string
		file    string
		data    string
		line    int
		summary string
	}{
		{"a field", runtimefile.Name, "base: a\nx: y\n", 2, `unknown field "x": known are args, base, build, bytecode, cmd, components, dependencies, directory, entrypoint, env, expose, extra, healthcheck, ignore, network, packages, prefix, profile, project, repository, runtime, source, stopSignal, test, tools, user, version, volumes, workdir`},
		{"without a hint", runtimefile.Name, "base: [a]\n", 1, "base must be a string, not a list"},
		{"no place", manifests.PackageJSON, `{"workspaces": ["../x"]}`, 0, `the workspace "../x" is outside of the project: build from the directory that holds all members`},
		{"another file", manifests.PackageJSON, "{\n", 1, "not valid JSON: unexpected end of JSON input"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			project := nodeProject("")
			project[test.file].Data = []byte(test.data)
			_, err := Load(project, Options{Base: "debian"})
			var e *projectfile.Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v", err)
			}
			if e.File != test.file || string(e.Data) != test.data || e.Line != test.line || e.Summary() != test.summary {
				t.Errorf("got %s:%d: %s\n%s", e.File, e.Line, e.Summary(), e.Data)
			}
		})
	}
}
