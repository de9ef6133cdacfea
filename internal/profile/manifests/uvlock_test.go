package manifests

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
)

// locked returns a package of uv.lock.
func locked(name, source, more string) string {
	return "[[package]]\nname = '" + name + "'\nsource = { " + source + " }\n" + more + "\n"
}

// TestUVLocalProjects shows which projects and archives of the context uv installs.
func TestUVLocalProjects(t *testing.T) {
	root := func(more string) string { return locked("own", "editable = '.'", more) }
	tests := []struct {
		name, lock, manifest string
		more                 Choice
		want                 LocalProjects
		err                  string
	}{
		{name: "an empty file"},
		{name: "nothing local", lock: root("dependencies = [{ name = 'idna' }]") + locked("idna", "registry = 'https://e.com'", "")},
		{name: "a member", lock: root("dependencies = [{ name = 'lib' }]") + locked("lib", "editable = 'packages/lib'", ""), want: LocalProjects{Dirs: []string{"packages/lib"}, Names: []string{"lib"}}},
		{name: "a member that nothing needs", lock: root("") + locked("lib", "editable = 'packages/lib'", "")},
		{name: "a member of a member", lock: locked("own", "virtual = '.'", "dependencies = [{ name = 'a' }]") + locked("a", "virtual = 'a'", "dependencies = [{ name = 'b' }, { name = 'a' }]") +
			locked("b", "directory = './b/'", "dependencies = [{ name = 'a' }]"), want: LocalProjects{Dirs: []string{"b"}, Names: []string{"b"}}},
		{name: "by an extra", lock: root("dependencies = [{ name = 'a', extra = ['x'] }]") + locked("a", "editable = 'a'", "[package.optional-dependencies]\nx = [{ name = 'b' }]\ny = [{ name = 'c' }]") +
			locked("b", "editable = 'b'", "") + locked("c", "editable = 'c'", ""), want: LocalProjects{Dirs: []string{"a", "b"}, Names: []string{"a", "b"}}},
		{name: "by a group", lock: root("[package.dev-dependencies]\ndev = [{ name = 'a' }]\nmore = [{ name = 'b' }]\nother = [{ name = 'c' }]") +
			locked("a", "editable = 'a'", "") + locked("b", "editable = 'b'", "") + locked("c", "editable = 'c'", ""),
			manifest: "[tool.uv]\ndefault-groups = ['dev', 'more']\n", want: LocalProjects{Dirs: []string{"b"}, Names: []string{"b"}}},
		{name: "by extras and groups that are chosen", more: Choice{Extras: []string{"x"}, Groups: []string{"dev"}},
			lock: root("[package.optional-dependencies]\nx = [{ name = 'a' }]\ny = [{ name = 'c' }]\n[package.dev-dependencies]\ndev = [{ name = 'b' }]") +
				locked("a", "editable = 'a'", "") + locked("b", "editable = 'b'", "") + locked("c", "editable = 'c'", ""), want: LocalProjects{Dirs: []string{"b", "a"}, Names: []string{"b", "a"}}},
		{name: "by all groups", lock: root("[package.dev-dependencies]\ndev = [{ name = 'a' }]\nmore = [{ name = 'b' }]") + locked("a", "editable = 'a'", "") + locked("b", "editable = 'b'", ""),
			manifest: "[tool.uv]\ndefault-groups = 'all'\n", want: LocalProjects{Dirs: []string{"b"}, Names: []string{"b"}}},
		{name: "a workspace whose root is no project", lock: "[manifest]\nmembers = ['a', 'b']\n" + locked("a", "editable = 'a'", "") + locked("b", "editable = 'b'", ""),
			manifest: "# none", want: LocalProjects{Dirs: []string{"a", "b"}, Names: []string{"a", "b"}}},
		{name: "an archive", lock: root("dependencies = [{ name = 'a' }]") + locked("a", "path = 'wheels/a-1-py3-none-any.whl'", ""), want: LocalProjects{Archives: []string{"wheels/a-1-py3-none-any.whl"}}},
		{name: "a member outside of the context", lock: root("dependencies = [{ name = 'a' }]") + "[[package]]\nname = 'a'\nsource = { editable = \"../a\" }\n",
			err: `uv.lock:7:1: the path "../a" is outside of the project: give a directory that holds both as the project, or copy it into the project`},
		{name: "one that nothing needs, outside of the context", lock: root("") + locked("a", "editable = '../a'", "")},
		{name: "types that nobody expects", lock: "package = [1, {name = 2, source = 3}, {name = 'own', source = {editable = '.'}, dependencies = [1, {name = 'a'}]}, {name = 'a', source = {editable = 1}}]\n"},
		{name: "no TOML", lock: "[[package]", err: "uv.lock:1:10: not valid TOML: expected ']]' to close array table name"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			manifest := test.manifest
			if manifest == "" || manifest[0] == '[' {
				manifest = named + manifest
			}
			project := projecttest.Files(PyprojectTOML, manifest, uvLockName, test.lock)
			p, err := ReadPythonProject(project, ".")
			projecttest.Must(t, err)
			lock, err := ReadUVLock(project)
			var got LocalProjects
			if err == nil {
				got, err = lock.LocalProjects(p, test.more)
			}
			projecttest.CheckError(t, err, test.err)
			if diff := cmp.Diff(test.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestUVMember: uv begins with a member of the workspace, and not with the project at the root.
func TestUVMember(t *testing.T) {
	lock := locked("own", "editable = '.'", "dependencies = [{ name = 'site' }]") + locked("site", "editable = 'site'", "") + locked("shared", "editable = 'shared'", "") +
		locked("plugin", "editable = 'plugin'", "dependencies = [{ name = 'own' }]") +
		locked("agent", "virtual = 'packages/agent'", "dependencies = [{ name = 'shared' }]\n[package.dev-dependencies]\nmore = [{ name = 'plugin' }]\ndev = []")
	project := projecttest.Files(PyprojectTOML, named, uvLockName, lock, "packages/agent/"+PyprojectTOML, "[project]\nname = 'agent'\n[tool.uv]\ndefault-groups = 'all'\n")
	read, err := ReadUVLock(project)
	projecttest.Must(t, err)
	member, err := ReadPythonProject(project, "packages/agent")
	projecttest.Must(t, err)
	got, err := read.LocalProjects(member, Choice{})
	projecttest.Must(t, err)
	want := LocalProjects{Dirs: []string{"plugin", "shared", ".", "site"}, Names: []string{"plugin", "shared", "own", "site"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"more"}, read.DefaultGroups(member)); diff != "" {
		t.Error(diff)
	}
	if name := read.Member("packages/agent"); name != "agent" || read.Member("packages") != "" {
		t.Errorf("the member is %q", name)
	}
}
