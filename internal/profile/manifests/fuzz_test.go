package manifests

import (
	"bytes"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rtbuild/rtbuild/internal/projectfile"
	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
	"github.com/rtbuild/rtbuild/tags/contextfs"
)

// FuzzRequirements shows that a requirements file gives files of the project, each once, or an *projectfile.Error that points into a file.
func FuzzRequirements(f *testing.F) {
	for _, seed := range []string{
		"a==1", "a \\\n==1", "-r requirements.txt", "-c x", "\\", "# a", "-e .", "a;b", "-r more.txt\n-c more.txt", "-r './more.txt'", "--requirement=more.txt\n-r ..",
		"a @ git+https://e.com/x@main", "\xff", "\uFEFFa==1", "a==1 --hash=sha256:0", strings.Repeat("a\\\n", 100), "-r more.txt/x",
	} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, data, more string) {
		project := projecttest.Files("requirements.txt", data, "more.txt", more)
		found, err := ReadRequirements(project, "requirements.txt")
		got := found.Files
		projecttest.CheckFault(t, err, "requirements.txt", "more.txt")
		if sorted := slices.Sorted(slices.Values(got)); len(slices.Compact(sorted)) != len(got) {
			t.Fatalf("twice in %q", got)
		}
		for _, name := range got {
			if err == nil && !projectfile.Exists(project, name) {
				t.Fatalf("%q is not there", name)
			}
		}
	})
}

// FuzzLockRequests shows that any text is a lock file with ranges, or one without.
func FuzzLockRequests(f *testing.F) {
	for _, seed := range []string{
		"importers:\n  .:\n    dependencies:\n      a:\n        specifier: '1'\n", "dependencies:\n  a:\n    specifier: 1\n", "importers:\n\n  .: {}\n", "overrides:\n",
		"\"root@workspace:.\":\n  dependencies:\n    a: \"npm:1\"\n", "{\n  \"workspaces\": {\n    \"\": {\n      \"dependencies\": {\n        \"a\": \"1\",\n", "a@1, \"b@>=1 <2\":\n",
		"\"", "'a'", " :", "\xff", "\"a\":", "a:\n:\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		YarnPatterns(data)
		for _, requests := range []LockRequests{PNPMRequests(data), YarnRequests(data), BunRequests(data)} {
			for dir, ranges := range requests {
				if ranges == nil || dir == "" {
					t.Fatalf("%q: %v", dir, ranges)
				}
			}
		}
	})
}

// FuzzPackageJSON shows that a package.json gives a version, a command and workspaces that are in the project, or an *projectfile.Error.
func FuzzPackageJSON(f *testing.F) {
	for _, seed := range []string{
		`{"version": "1.0.0", "scripts": {"start": "node ."}, "workspaces": ["a", "b/*", "!b/c", "**", "l/../a", "*/*/*"]}`, `{"main": 1, "workspaces": {"packages": ["**/x"]}}`,
		"\uFEFF{}", "", "[]", "null", `{"workspaces": ["[", "", ".", "..", "/a", "./a/", "!"]}`, `{"workspaces": "a", "version": 1, "scripts": []}`, "{\"a\":", "\xff",
	} {
		f.Add([]byte(seed))
	}
	project := projecttest.Confined(f, "a/package.json", "{}", "b/c/package.json", "{}", "b/d/x/package.json", "{}", "l", "->.", "m", "->b/d", "n", "->..")
	f.Fuzz(func(t *testing.T, data []byte) {
		project := with{project, map[string][]byte{PackageJSON: data}}
		_, err := NPMVersion(project)
		projecttest.CheckFault(t, err, PackageJSON)
		words, err := NPMCommand(project, func(string) bool { return false })
		projecttest.CheckFault(t, err, PackageJSON)
		if len(words) > 0 && words[0] == "" {
			t.Fatalf("the command %q has no program", words)
		}
		manifests, err := WorkspaceManifests(project)
		if err == nil || !strings.Contains(err.Error(), "n: a link leads out of the context") {
			projecttest.CheckFault(t, err, PackageJSON)
		}
		for _, file := range manifests {
			if !projectfile.Exists(project, file) || !strings.HasSuffix(file, "/"+PackageJSON) {
				t.Fatalf("%q is no workspace's", file)
			}
		}
	})
}

// with is a project with other files in it.
type with struct {
	*contextfs.FS
	files map[string][]byte
}

func (w with) Stat(name string) (fs.FileInfo, error) {
	if data, ok := w.files[name]; ok {
		return fs.Stat(fstest.MapFS{name: {Data: data}}, name)
	}
	return w.FS.Stat(name)
}

func (w with) Open(name string) (fs.File, error) {
	if data, ok := w.files[name]; ok {
		return fstest.MapFS{name: {Data: data}}.Open(name)
	}
	return w.FS.Open(name)
}

// FuzzPyproject shows that a pyproject.toml gives a name, a version and what is installed, or an *projectfile.Error.
func FuzzPyproject(f *testing.F) {
	for _, seed := range []string{
		"[project]\nname = \"a\"\nversion = \"1\"\n", "[tool.poetry]\nname = 'a'\nversion = '1'\n", "version =1", "[", "a = [[[[", "a.b.c.d = 1", "\xff", "[project]\nname = 1", "x = 1979-05-27T07:32:00Z", "a = {b = {c = 1}}",
		"[project]\nname = 'a'\nscripts = {b = 'c:d'}\n[tool.setuptools.packages.find]\nwhere = ['..', 'x']",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		project := fstest.MapFS{PyprojectTOML: {Data: data}}
		_, err := PythonVersion(project)
		projecttest.CheckFault(t, err, PyprojectTOML)
		p, err := ReadPythonProject(project, ".")
		projecttest.CheckFault(t, err, PyprojectTOML)
		if p != nil {
			d, err := p.Distribution("")
			projecttest.CheckFault(t, err, PyprojectTOML)
			if err == nil && (strings.Contains(d.Name+d.Version, "/") || strings.Contains(strings.Join(d.Roots, "/")+"/", "../")) {
				t.Fatalf("it leads elsewhere: %+v", d)
			}
		}
		version, err := OriginalVersion(project)
		if err != nil || !bytes.Contains(data, []byte(version)) {
			t.Fatalf("version %q, %v", version, err)
		}
	})
}

// FuzzPythonLocks reads any bytes as lock files of Python, and any text as a marker and as the versions that a project asks for.
func FuzzPythonLocks(f *testing.F) {
	for _, seed := range []string{
		"", "[[package]]\nname = 'a'\nversion = '1'\nsource = { registry = 'x' }\nwheels = [{ url = 'a-1-py3-none-any.whl' }]\n", "requires-python = '>=3.9,'\n", "package = [1, {name = 2}]",
		"[[package]]\nname = 'a'\nsource = { virtual = '.' }\ndependencies = [{ name = 'a', marker = 'os_name ==' }]\n", "[[package]]\nname = 'a'\ngroups = ['main']\nmarkers = {main = '('}\n[metadata]\nlock-version = '2.1'\npython-versions = '^3 || 2'\n",
		"(python_version >= '3' or x", "3.12", "~=", ">=3.9 <4", "[extras]\na = ['b']",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data string) {
		project := fstest.MapFS{uvLockName: {Data: []byte(data)}, poetryLockName: {Data: []byte(data)}, PythonVersionFile: {Data: []byte(data)}}
		target := pythonTarget{line: "3.12", machine: "x86_64"}
		target.holds(data)
		target.fits(data)
		if r, err := poetryRange(data); err == nil {
			r.Accepts("3.12")
		}
		for _, manager := range []string{"uv", "poetry"} {
			if _, err := WantedPython(project, manager); err != nil {
				t.Fatal(err)
			}
			_, err := PythonWithoutWheel(project, manager, "amd64", PythonLines, nil, Choice{Extras: []string{"a"}, Groups: []string{"dev"}})
			projecttest.CheckFault(t, err, uvLockName, poetryLockName)
		}
	})
}
