package profile

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rtbuild/rtbuild/tags/contextfs"
)

// FuzzLoad shows that no file makes the parser panic, that what is wrong with it is an *Error that points into it, that
// its fields lie in it, and that what is right gives the same tags twice.
func FuzzLoad(f *testing.F) {
	for _, seed := range []string{
		everything, "", "---", "a: [", "user: &u {uid: 1}\nenv: *u", "base: a\n---\n", "? [a]\n: b", "packages: {apt: [a]}", "\xff", "a: &a [*a]", "env: {<<: &a {b: c}}",
		"runtime: {python: 3.10}", "cmd: a b", "tools: [{sha256: {amd64: 1}}]", "{}", "!!binary a: b", "\t- a", "a: |\n  b\n c", "%YAML 1.1\n---\nbase: b",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := parseDocument(text{name: fileName, data: append([]byte{}, data...)})
		r := profileOf("node").runtime()
		if err == nil {
			err = d.apply(r)
		}
		var e *Error
		if err != nil {
			if !errors.As(err, &e) || !strings.HasPrefix(err.Error(), fileName+":") || e.Message == "" {
				t.Fatalf("error is a %T: %v", err, err)
			}
			return
		}
		r.given.document = d
		for _, field := range append(slices.Collect(maps.Keys(fileFields)), "tools.uv", "source.a", "ignore.a") {
			if first, last := r.Lines(field); first < 1 || last < first || last > 1+bytes.Count(data, []byte("\n")) {
				t.Fatalf("%s is in lines %d to %d", field, first, last)
			}
		}
		first, second := r.ToolsDigest(), r.ToolsDigest()
		if first != second || r.TagInputs().Base != r.Base {
			t.Fatal("not the same twice")
		}
	})
}

// FuzzRequirements shows that a requirements file gives files of the project, each once, or an *Error that points into a file.
func FuzzRequirements(f *testing.F) {
	for _, seed := range []string{
		"a==1", "a \\\n==1", "-r requirements.txt", "-c x", "\\", "# a", "-e .", "a;b", "-r more.txt\n-c more.txt", "-r './more.txt'", "--requirement=more.txt\n-r ..",
		"a @ git+https://e.com/x@main", "\xff", "\uFEFFa==1", "a==1 --hash=sha256:0", strings.Repeat("a\\\n", 100), "-r more.txt/x",
	} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, data, more string) {
		project := files("requirements.txt", data, "more.txt", more)
		got, err := requirementFiles(project, "requirements.txt")
		checkFault(t, err, "requirements.txt", "more.txt")
		if sorted := slices.Sorted(slices.Values(got)); len(slices.Compact(sorted)) != len(got) {
			t.Fatalf("twice in %q", got)
		}
		for _, name := range got {
			if err == nil && !exists(project, name) {
				t.Fatalf("%q is not there", name)
			}
		}
	})
}

// checkFault shows that what is wrong is an *Error that lies in one of the files.
func checkFault(t *testing.T, err error, files ...string) {
	t.Helper()
	var e *Error
	if err != nil && (!errors.As(err, &e) || !slices.Contains(files, e.File) || e.Message == "" || e.Line < 0 || e.Line > 1+bytes.Count(e.Data, []byte("\n"))) {
		t.Fatalf("error is a %T: %v", err, err)
	}
}

// FuzzPackageJSON shows that a package.json gives a version, a command and workspaces that are in the project, or an *Error.
func FuzzPackageJSON(f *testing.F) {
	for _, seed := range []string{
		`{"version": "1.0.0", "scripts": {"start": "node ."}, "workspaces": ["a", "b/*", "!b/c", "**", "l/../a", "*/*/*"]}`, `{"main": 1, "workspaces": {"packages": ["**/x"]}}`,
		"\uFEFF{}", "", "[]", "null", `{"workspaces": ["[", "", ".", "..", "/a", "./a/", "!"]}`, `{"workspaces": "a", "version": 1, "scripts": []}`, "{\"a\":", "\xff",
	} {
		f.Add([]byte(seed))
	}
	project := confinedDir(f, "a/package.json", "{}", "b/c/package.json", "{}", "b/d/x/package.json", "{}", "l", "->.", "m", "->b/d", "n", "->..")
	f.Fuzz(func(t *testing.T, data []byte) {
		project := with{project, map[string][]byte{packageJSON: data}}
		_, err := npmVersion(project)
		checkFault(t, err, packageJSON)
		_, err = npmCommand(project)
		checkFault(t, err, packageJSON)
		manifests, err := workspaceManifests(project)
		if err == nil || !strings.Contains(err.Error(), "n: a link leads out of the context") {
			checkFault(t, err, packageJSON)
		}
		for _, file := range manifests {
			if !exists(project, file) || !strings.HasSuffix(file, "/"+packageJSON) {
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

// FuzzPyproject shows that a pyproject.toml gives a name and a version, or an *Error.
func FuzzPyproject(f *testing.F) {
	for _, seed := range []string{
		"[project]\nname = \"a\"\nversion = \"1\"\n", "[tool.poetry]\nname = 'a'\nversion = '1'\n", "version =1", "[", "a = [[[[", "a.b.c.d = 1", "\xff", "[project]\nname = 1", "x = 1979-05-27T07:32:00Z", "a = {b = {c = 1}}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		project := fstest.MapFS{pyprojectTOML: {Data: data}}
		_, err := pythonVersion(project)
		checkFault(t, err, pyprojectTOML)
		version, err := originalVersion(project)
		if err != nil || !bytes.Contains(data, []byte(version)) {
			t.Fatalf("version %q, %v", version, err)
		}
	})
}

// FuzzDockerignore shows that the patterns of a .dockerignore go before the profile's own, which stay the last.
func FuzzDockerignore(f *testing.F) {
	for _, seed := range []string{"a", "!a\n# b\n\n", "**/.git\n!.git", "[", "\\", "\xff", "\uFEFFa", strings.Repeat("a", 70000)} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := Load(fstest.MapFS{"package-lock.json": {}, dockerignore: {Data: data}}, Options{Base: "debian"})
		if err != nil {
			return
		}
		if own := r.Ignore[max(0, len(r.Ignore)-len(alwaysIgnored)):]; !slices.Equal(own, alwaysIgnored) {
			t.Fatalf("the last are %q", own)
		}
	})
}
