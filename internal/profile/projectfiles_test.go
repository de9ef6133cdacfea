package profile

import (
	"io/fs"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rtbuild/rtbuild/internal/runtimefile"
	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
)

func TestManifests(t *testing.T) {
	want := []string{
		".dockerignore", ".node-version", ".npmrc", ".nvmrc", ".pnpmfile.cjs", ".pnpmfile.mjs", ".python-version", ".yarnrc", ".yarnrc.yml", "Pipfile", "Pipfile.lock", "bun.lock", "bun.lockb", "bunfig.toml", "environment.yaml", "environment.yml", "npm-shrinkwrap.json", "openhands/poetry.lock", "openhands/pyproject.toml", "package-lock.json", "package.json",
		"pdm.lock", "pnpm-lock.yaml", "pnpm-workspace.yaml", "poetry.lock", "pylock.toml", "pyproject.toml", "requirements.in", "requirements.txt", "runtime.yaml", "setup.cfg", "setup.py", "uv.lock", "yarn.lock",
	}
	if diff := cmp.Diff(want, Manifests()); diff != "" {
		t.Error(diff)
	}
}

// recording is a project that writes down which files it is asked for.
type recording struct {
	fs.FS
	asked map[string]bool
}

func (r recording) Open(name string) (fs.File, error) {
	r.asked[name] = true
	return r.FS.Open(name)
}

// TestLoadAsksForManifests shows that a project of which only the manifests and what they name are fetched is read as the
// whole project is.
func TestLoadAsksForManifests(t *testing.T) {
	openhands := projecttest.Files("pyproject.toml", openhandsPyproject, "poetry.lock", "")
	tests := []struct {
		name    string
		project fs.FS
		opts    Options
		named   []string // by other files
	}{
		{"examples/node-agent", os.DirFS("../../examples/node-agent"), Options{}, nil},
		{"examples/python-agent", os.DirFS("../../examples/python-agent"), Options{}, nil},
		{"openhands", openhands, Options{}, nil},
		{"openhands by its name", projecttest.Files("openhands/pyproject.toml", "version = 1"), Options{Profile: "openhands"}, nil},
		{"nothing", projecttest.Files(), Options{}, nil},
		{"another manager's", projecttest.Files("pnpm-lock.yaml", ""), Options{}, nil},
		{"a file of another name", projecttest.Files("package-lock.json", "{}", "x.yaml", "base: a"), Options{Name: "x.yaml"}, []string{"x.yaml"}},
		{"includes", projecttest.Files("requirements.txt", "-r a/b.txt", "a/b.txt", "-c c.txt", "a/c.txt", ""), Options{Base: "a"}, []string{"a/b.txt", "a/c.txt"}},
		{"requirements of the user's own", projecttest.Files("requirements.txt", "", "x.txt", "", runtimefile.Name, "base: a\ndependencies: {files: [x.txt]}"), Options{}, []string{"x.txt"}},
		{
			"pnpm", projecttest.Files("pnpm-lock.yaml", "lockfileVersion: '9.0'\nimporters:\n  .: {}\n  b: {}\npackages:\n  d@file:d:\n    resolution: {directory: d, type: directory}\n",
				"package.json", `{"packageManager": "pnpm@10.1.0"}`, "pnpm-workspace.yaml", "packages: [a]", "a/package.json", "", "b/package.json", "", "d/index.js", ""),
			Options{Base: "a"}, []string{"a/package.json", "b/package.json", "d", "d/index.js"},
		},
		{
			"yarn", projecttest.Files("yarn.lock", "\"d@file:d\":\n", "package.json", `{"workspaces": ["a"]}`, "a/package.json", "", "d/index.js", ""),
			Options{Base: "a"}, []string{"a/package.json", "d", "d/index.js", ".yarn/patches", ".yarn/plugins"},
		},
		{"bun", projecttest.Files("bun.lock", "{}", "package.json", "{}"), Options{Base: "a"}, nil},
		{
			"workspaces", projecttest.Files("package-lock.json", "", "package.json", `{"workspaces": ["a", "b/*"]}`, "a/package.json", "", "b/c/package.json", ""),
			Options{Base: "a"}, []string{"a/package.json", "b", "b/c/package.json"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			project := recording{test.project, map[string]bool{}}
			_, _ = Load(project, test.opts) // an error has asked for all that it says
			known := append(Manifests(), test.named...)
			for name := range project.asked {
				if !slices.Contains(known, name) {
					t.Errorf("%s is not a manifest", name)
				}
			}
		})
	}
}
