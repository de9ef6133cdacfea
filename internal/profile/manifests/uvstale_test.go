package manifests

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
)

// TestCompareUVLock shows which differences between a manifest and uv.lock are found.
func TestCompareUVLock(t *testing.T) {
	tests := []struct {
		name, dependencies, more string // of the manifest
		locked                   string // requires-dist
		want                     string // line and text of each
	}{
		{"the same", "'idna', 'Some.Name >= 1.0 , <2'", "", "{ name = 'idna' }, { name = 'some-name', specifier = '>=1.0,<2' }", ""},
		{"another order of versions", "'a>=1,<2'", "", "{ name = 'a', specifier = '<2,>=1' }", ""},
		{"an added requirement", "'idna', \"six==1.17.0\"", "", "{ name = 'idna' }", "4 six==1.17.0 is in pyproject.toml, but not in uv.lock"},
		{"a removed requirement", "", "", "{ name = 'idna', specifier = '>=3' }", "0 idna>=3 is in uv.lock, but not in pyproject.toml"},
		{"another version", "'idna>=3.1'", "", "{ name = 'idna', specifier = '>=3' }", "4 idna is idna>=3.1 in pyproject.toml, but idna>=3 in uv.lock"},
		{"an added version", "'idna (>=3)'", "", "{ name = 'idna' }", "4 idna is idna>=3 in pyproject.toml, but idna in uv.lock"},
		{"a version that uv writes in another way", "'idna>=3.0-beta'", "", "{ name = 'idna', specifier = '>=3.0b0' }", ""},
		{"extras", "'idna[b_c, A]'", "", "{ name = 'idna', extras = ['a', 'b-c'] }", ""},
		{"other extras", "'idna[a]'", "", "{ name = 'idna' }", "4 idna is idna[a] in pyproject.toml, but idna in uv.lock"},
		{"a marker", "'idna ; python_version < \"3.12\"'", "", "{ name = 'idna', marker = \"python_full_version < '3.12'\" }", ""},
		{"twice, by markers", "'a==1 ; os_name == \"nt\"', 'a==2 ; os_name != \"nt\"'", "", "{ name = 'a', specifier = '==1' }, { name = 'a', specifier = '==3' }", ""},
		{"an address", "'a @ git+https://e.com/a@v1'", "", "{ name = 'a', git = 'https://e.com/a?rev=v1' }", ""},
		{"a source", "'a>=1'", "", "{ name = 'a', editable = 'a' }", ""},
		{"an extra of the project", "'own[web]'", "optional-dependencies = {web = ['b==1']}", "{ name = 'own', extras = ['web'] }, { name = 'b', marker = \"extra == 'web'\", specifier = '==1' }", ""},
		{"an added extra of the project", "", "optional-dependencies = {web = ['b==1']}", "", "4 b==1 is in pyproject.toml, but not in uv.lock"},
		{"extras that the backend writes out", "", "dynamic = ['version']\noptional-dependencies = {web = ['b==1'], all = ['own[web]']}", "{ name = 'b', marker = \"extra == 'all' or extra == 'web'\", specifier = '==1' }", ""},
		{"requirements that the backend knows", "", "dynamic = ['dependencies']", "{ name = 'idna' }", ""},
		{"what is no requirement", "'-e .', '', '[x]'", "", "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			manifest := named + "dependencies = [" + test.dependencies + "]; " + test.more
			manifest = strings.ReplaceAll(manifest, "]; ", "]\n")
			if test.dependencies == "" {
				manifest = named + test.more + "\n"
			}
			lock := "version = 1\n" + locked("own", "virtual = '.'", "[package.metadata]\nrequires-dist = ["+test.locked+"]")
			checkDifferences(t, compareUVLock(t, projecttest.Files(PyprojectTOML, manifest, uvLockName, lock), "."), test.want)
		})
	}
}

func compareUVLock(t *testing.T, project fstest.MapFS, dir string) []LockDifference {
	t.Helper()
	lock, err := ReadUVLock(project)
	projecttest.Must(t, err)
	p, err := ReadPythonProject(project, dir)
	projecttest.Must(t, err)
	return lock.Compare(p)
}

// TestCompareOddUVLock shows in which lock files nothing is compared.
func TestCompareOddUVLock(t *testing.T) {
	const manifest = named + "dependencies = ['six']\n"
	tests := []struct {
		name, lock, dir string
		found           bool
	}{
		{"no requirements repeated, and none locked", locked("own", "editable = '.'", ""), ".", true},
		{"an older lock file", locked("own", "editable = '.'", "dependencies = [{ name = 'idna' }]"), ".", false},
		{"another project", locked("own", "editable = 'a'", ""), ".", false},
		{"a member", locked("own", "editable = 'a'", ""), "a", true},
		{"nothing", "", ".", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			project := projecttest.Files(PyprojectTOML, manifest, "a/"+PyprojectTOML, manifest, uvLockName, test.lock)
			if got := compareUVLock(t, project, test.dir); (len(got) > 0) != test.found {
				t.Errorf("found %+v", got)
			}
		})
	}
}
