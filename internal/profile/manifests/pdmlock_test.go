package manifests

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
)

// TestPDMLocalProjects shows what PDM takes from the context.
func TestPDMLocalProjects(t *testing.T) {
	const lib = "[[package]]\nname = \"lib\"\npath = \"./libs/lib\"\n"
	tests := []struct {
		name, lock string
		want       LocalProjects
		err        string
	}{
		{name: "an empty file"},
		{name: "of the index", lock: "[[package]]\nname = 'lib'\ngroups = ['default']\n"},
		{name: "a directory", lock: lib + "groups = ['dev', 'default']\n", want: LocalProjects{Dirs: []string{"libs/lib"}, Names: []string{"lib"}}},
		{name: "an archive", lock: "[[package]]\nname = 'w'\npath = './w-1-py3-none-any.whl'\ngroups = ['default']\n", want: LocalProjects{Archives: []string{"w-1-py3-none-any.whl"}}},
		{name: "of another group", lock: lib + "groups = ['dev']\n"},
		{name: "outside", lock: "[[package]]\nname = \"lib\"\npath = \"../lib\"\ngroups = ['default']\n",
			err: `pdm.lock:3:1: the path "../lib" is outside of the project: give a directory that holds both as the project, or copy it into the project`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := PDMLocalProjects(projecttest.Files(PDMLock, test.lock), []string{PDMDefault})
			projecttest.CheckError(t, err, test.err)
			if diff := cmp.Diff(test.want, got, cmpopts.EquateEmpty()); diff != "" && test.err == "" {
				t.Error(diff)
			}
		})
	}
}

// TestPylockLocalProjects shows what a pylock.toml of uv takes from the context.
func TestPylockLocalProjects(t *testing.T) {
	const lock = "[[packages]]\nname = \"own\"\ndirectory = { path = \".\", editable = true }\n[[packages]]\nname = \"idna\"\nversion = \"3.20\"\n" +
		"[[packages]]\nname = \"lib\"\n[packages.directory]\npath = \"libs/lib\"\n[[packages]]\nname = \"w\"\narchive = { path = \"./w.whl\" }\n"
	got, err := PylockLocalProjects(projecttest.Files(Pylock, lock))
	projecttest.CheckError(t, err, "")
	if diff := cmp.Diff(LocalProjects{Dirs: []string{".", "libs/lib"}, Names: []string{"own", "lib"}, Archives: []string{"w.whl"}}, got); diff != "" {
		t.Error(diff)
	}
	_, err = PylockLocalProjects(projecttest.Files(Pylock, "[[packages]]\nname = \"lib\"\ndirectory = { path = \"../lib\" }\n"))
	projecttest.CheckError(t, err, `pylock.toml:3:1: the path "../lib" is outside of the project: give a directory that holds both as the project, or copy it into the project`)
}

// TestPDMLockHash compares the hash with the one that PDM 2.29.4 writes for the same manifest.
func TestPDMLockHash(t *testing.T) {
	const manifest = `[project]
name = "own"
version = "1.0"
requires-python = ">=3.11"
dependencies = ["idna", "anyio", "colorama; sys_platform == 'win32'"]
[project.optional-dependencies]
web = ["h11"]
[dependency-groups]
dev = ["six"]
`
	const lock = "[metadata]\ncontent_hash = \"sha256:1e0440d4a2e7f616572610b87835c29551ec96983d67018513a46d78faab5695\"\n"
	const stale = "pdm.lock:2:1: pdm.lock does not agree with pyproject.toml: what it requires has changed since: run pdm lock, and commit both"
	for more, want := range map[string]string{
		"": "", "[tool.pdm]\ndistribution = false\n": "", "[tool.pdm]\ndev-dependencies = {a = ['x']}\nworkspace = {members = ['a']}\n": "",
		"[tool.pdm.dev-dependencies]\nDev = ['x']\n": stale, "[[tool.pdm.source]]\nurl = 'https://e.com'\n": stale, "[tool.pdm.resolution]\nx = 1.5\n": "",
	} {
		project := projecttest.Files(PyprojectTOML, manifest+more, PDMLock, lock)
		p, err := ReadPythonProject(project, ".")
		projecttest.Must(t, err)
		projecttest.CheckError(t, CheckPDMLock(project, p), want)
	}
}
