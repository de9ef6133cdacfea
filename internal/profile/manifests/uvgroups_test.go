package manifests

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
)

// TestCompareUVGroups compares dependency groups with what uv 0.13.9 locks of them.
func TestCompareUVGroups(t *testing.T) {
	const groups = "[dependency-groups]\ndev = ['six>=1.0', {include-group = 'Test_x'}]\nTest_x = ['idna', \"Attrs[tests]>=20 ; python_version > '3.12'\"]\nempty = []\n"
	const lock = `[package.metadata.requires-dev]
dev = [
    { name = "attrs", extras = ["tests"], marker = "python_full_version >= '3.13'", specifier = ">=20" },
    { name = "idna" },
    { name = "six", specifier = ">=1.0" },
]
empty = []
test-x = [
    { name = "attrs", extras = ["tests"], marker = "python_full_version >= '3.13'", specifier = ">=20" },
    { name = "idna" },
]
`
	tests := []struct{ name, manifest, lock, want string }{
		{"the same", groups, lock, ""},
		{"uv's older setting", groups + "[tool.uv]\ndev-dependencies = ['iniconfig']\n", strings.Replace(lock, "dev = [\n", "dev = [\n{ name = \"iniconfig\" },", 1), ""},
		{"an added requirement", strings.Replace(groups, "'idna'", "'idna', 'a'", 1), lock, "6 a of the group dev is in pyproject.toml, but not in uv.lock\n6 a of the group test-x is in pyproject.toml, but not in uv.lock"},
		{"another version", strings.Replace(groups, ">=1.0", ">=1.1", 1), lock, "5 six of the group dev is six>=1.1 in pyproject.toml, but six>=1.0 in uv.lock"},
		{"a removed group", "", "[package.metadata.requires-dev]\nx = [{ name = \"a\" }]\n", "0 a of the group x is in uv.lock, but not in pyproject.toml"},
		{"an added group", "[dependency-groups]\nx = ['a']\n", "", "5 a of the group x is in pyproject.toml, but not in uv.lock"},
		{"a circle", "[dependency-groups]\nx = [{include-group = 'x'}, 'a']\n", "[package.metadata.requires-dev]\nx = [{ name = \"a\" }]\n", ""},
		{"an older lock file", groups, "[package.dev-dependencies]\ndev = [{ name = 'six' }]\n", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			project := projecttest.Files(PyprojectTOML, named+test.manifest, uvLockName, locked("own", "virtual = '.'", test.lock))
			checkDifferences(t, compareUVLock(t, project, "."), test.want)
		})
	}
}

// TestCompareUVPython compares requires-python with the forms in which uv 0.13.9 writes it.
func TestCompareUVPython(t *testing.T) {
	const other = "4 requires-python is %s in pyproject.toml, but %s in uv.lock"
	tests := []struct{ manifest, lock, more, want string }{
		{">=3.11", ">=3.11", "", ""},
		{">=3.12", ">=3.11", "", fmt.Sprintf(other, ">=3.12", ">=3.11")},
		{"<4.0,>=3.10", ">=3.10, <4.0", "", ""},
		{">=3.10", ">=3.10, <4.0", "", fmt.Sprintf(other, ">=3.10", ">=3.10, <4.0")},
		{">=3.10,>=3.11", ">=3.11", "", ""},
		{"~=3.11", ">=3.11, <4", "", ""},
		{">=3.9,!=3.9.7,<4.0", ">=3.9, !=3.9.7, <4.0", "", ""},
		{">=3.12", ">=3.11", "[manifest]\nmembers = ['own', 'lib']\n", ""},
		{">=3.12", "", "", ""},
	}
	for _, test := range tests {
		t.Run(test.manifest+" and "+test.lock, func(t *testing.T) {
			lock := test.more + locked("own", "virtual = '.'", "")
			if test.lock != "" {
				lock = "requires-python = '" + test.lock + "'\n" + lock
			}
			project := projecttest.Files(PyprojectTOML, named+"requires-python = '"+test.manifest+"'\n", uvLockName, lock)
			checkDifferences(t, compareUVLock(t, project, "."), test.want)
		})
	}
}

// TestUVPythonOfAnotherProject: a project that the lock file names by path, and that is no member, has its own versions of Python.
func TestUVPythonOfAnotherProject(t *testing.T) {
	lock := "requires-python = '>=3.12'\n" + locked("own", "editable = 'libs/x'", "")
	project := projecttest.Files("libs/x/"+PyprojectTOML, named+"requires-python = '>=3.9'\n", uvLockName, lock)
	checkDifferences(t, compareUVLock(t, project, "libs/x"), "")
}

// checkDifferences compares differences with line and text of each.
func checkDifferences(t *testing.T, found []LockDifference, want string) {
	t.Helper()
	var got []string
	for _, d := range found {
		got = append(got, fmt.Sprint(d.Line, " ", d.Text))
	}
	if text := strings.Join(got, "\n"); text != want {
		t.Errorf("got %q, want %q", text, want)
	}
}
