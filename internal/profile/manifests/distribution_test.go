package manifests

import (
	"slices"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
	"github.com/rtbuild/rtbuild/llb"
)

const named = "[project]\nname = 'own'\nversion = '1'\n"

// points are entry points of one group.
func points(group, name, target string) map[string]map[string]string {
	return map[string]map[string]string{group: {name: target}}
}

// TestDistribution shows what is installed of a project.
func TestDistribution(t *testing.T) {
	tests := []struct {
		name, manifest, version string
		metadata                string // after the name and the version
		want                    llb.Distribution
	}{
		{"the least", named, "", "", llb.Distribution{Version: "1"}},
		{
			"everything", named + "description = \"\"\"two\n lines\"\"\"\nrequires-python = '>=3.11'\ndependencies = ['idna>=3', 'six; python_version < \"3\"']\n" +
				"[project.optional-dependencies]\nWeb_ui = ['a', 'b ; os_name == \"nt\"']\n", "2",
			"Summary: two lines\nRequires-Python: >=3.11\nRequires-Dist: idna>=3\nRequires-Dist: six; python_version < \"3\"\nProvides-Extra: web-ui\n" +
				"Requires-Dist: a ; extra == 'web-ui'\nRequires-Dist: b ; (os_name == \"nt\") and extra == 'web-ui'\n",
			llb.Distribution{Version: "1"},
		},
		{"a byte order mark and CRLF", "\uFEFF[project]\r\nname = 'own'\r\nversion = '1'\r\ndescription = \"\"\"a\r\nb\"\"\"\r\n", "", "Summary: a b\n", llb.Distribution{Version: "1"}},
		{"a dynamic version that the user gives", "[project]\nname = 'own'\ndynamic = ['version']\n", "1.2.3.dev4", "", llb.Distribution{Version: "1.2.3.dev4"}},
		{"a dynamic version", "[project]\nname = 'own'\ndynamic = ['version']\n", "unknown", "", llb.Distribution{Version: "0.0.0"}},
		{"Poetry's table", "[tool.poetry]\nname = 'own'\nversion = '3'\ndescription = 'd'\n", "", "Summary: d\n", llb.Distribution{Version: "3"}},
		{"types that nobody expects", named + "description = 1\nscripts = 2\nentry-points = {a = 3}\noptional-dependencies = {a = 4}\n[tool]\nsetuptools = 5\n", "", "Provides-Extra: a\n", llb.Distribution{Version: "1"}},
		{"a script", named + "[project.scripts]\nown-cli = 'a.b:c.d'\n", "", "", llb.Distribution{Version: "1", EntryPoints: points("console_scripts", "own-cli", "a.b:c.d")}},
		{"a graphical script", named + "[project.gui-scripts]\nown = 'a:b [x]'\n", "", "", llb.Distribution{Version: "1", EntryPoints: points("gui_scripts", "own", "a:b [x]")}},
		{"a plugin", named + "[project.entry-points.'x.y']\nown = 'a.b'\n", "", "", llb.Distribution{Version: "1", EntryPoints: points("x.y", "own", "a.b")}},
		{"Poetry's script", "[tool.poetry]\nname = 'own'\nversion = '1'\n[tool.poetry.scripts]\na = {reference = 'a.sh', type = 'file'}\nb = {reference = 'a:b', type = 'console'}\n", "", "", llb.Distribution{Version: "1", EntryPoints: points("console_scripts", "b", "a:b")}},
		{"Poetry's plugin", "[tool.poetry]\nname = 'own'\nversion = '1'\n[tool.poetry.plugins.x]\nb = 'a:b'\n", "", "", llb.Distribution{Version: "1", EntryPoints: points("x", "b", "a:b")}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p, err := ReadPythonProject(projecttest.Files(PyprojectTOML, test.manifest), ".")
			projecttest.Must(t, err)
			got, err := p.Distribution(test.version)
			projecttest.Must(t, err)
			test.want.Name, test.want.Dir, test.want.Roots = "own", ".", []string{"src", "."}
			test.want.Metadata = "Metadata-Version: 2.1\nName: own\nVersion: " + test.want.Version + "\n" + test.metadata
			if diff := cmp.Diff(test.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDistributionErrors(t *testing.T) {
	tests := []struct{ name, manifest, want string }{
		{"no TOML", "[project\n", "pyproject.toml:1:9: not valid TOML: expected ']' to close table name"},
		{"an entry point that is no module", named + "[project.scripts]\nown = 'bin/own.sh'\n",
			`pyproject.toml:5:1: the script "own" names no function of a module: "bin/own.sh": write "MODULE:FUNCTION", or project: none in runtime.yaml`},
		{"a module without a function", named + "[project.scripts]\n'own' = 'own.cli'\n",
			`pyproject.toml:5:1: the script "own" names no function of a module: "own.cli": write "MODULE:FUNCTION", or project: none in runtime.yaml`},
		{"no text", "[project]\nname = 'own'\nscripts = {own = 1}\n", `pyproject.toml: the script "own" names no function of a module: "": write "MODULE:FUNCTION", or project: none in runtime.yaml`},
		{"code in an entry point", named + "[project.scripts]\nown = 'os:system(1)'\n",
			`pyproject.toml:5:1: the script "own" names no function of a module: "os:system(1)": write "MODULE:FUNCTION", or project: none in runtime.yaml`},
		{"a script elsewhere", named + "[project.scripts]\n'../own' = 'a:b'\n", `pyproject.toml:5:1: "../own" cannot be the name of a script or an entry point: rename it, or write project: none in runtime.yaml`},
		{"a plugin of two lines", named + "[project.entry-points.x]\nown = \"a\\n[y]\"\n", `pyproject.toml:5:1: "own" cannot be the name of a script or an entry point: rename it, or write project: none in runtime.yaml`},
		{"a name elsewhere", "[project]\nname = '../own'\nversion = '1'\n", `pyproject.toml:2:1: "../own" is not valid as the name of a Python project: use letters, digits, ., - and _`},
		{"a version elsewhere", "[project]\nname = 'own'\nversion = '/1'\n", `pyproject.toml:3:1: "/1" is not valid as the version of a Python project: write it as 1.2.3`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p, err := ReadPythonProject(projecttest.Files(PyprojectTOML, test.manifest), ".")
			if err == nil {
				_, err = p.Distribution("")
			}
			projecttest.CheckError(t, err, test.want)
		})
	}
}

// TestRoots shows where the modules of a project are imported from.
func TestRoots(t *testing.T) {
	tests := []struct {
		name, manifest string
		files          []string
		want           []string
	}{
		{"nothing says it", named, nil, []string{"src", "."}},
		{"src", named, []string{"src/own/__init__.py"}, []string{"src"}},
		{"src by a file", named, []string{"src/own.py"}, []string{"src"}},
		{"flat", named, []string{"own/__init__.py", "src/web.js"}, []string{"."}},
		{"a name with signs", "[project]\nname = 'Own.Pro-ject'\n", []string{"own_pro_ject/__init__.py"}, []string{"."}},
		{"a namespace package, by its script", named + "[project.scripts]\nown = 'space.own.cli:main'\n", []string{"space/own/cli.py"}, []string{"."}},
		{"a package of another name, by its script", named + "[project.scripts]\nown = 'other.cli:main'\n", []string{"src/other/cli/__init__.py"}, []string{"src"}},
		{"setuptools finds", named + "[tool.setuptools.packages.find]\nwhere = ['lib', 'more']\n", []string{"own.py"}, []string{"lib", "more"}},
		{"setuptools' directory", named + "[tool.setuptools]\npackage-dir = {'' = 'lib/'}\npackages = ['own']\n", nil, []string{"lib"}},
		{"setuptools' directory of one package", named + "[tool.setuptools]\npackage-dir = {own = 'lib'}\n", nil, []string{"src", "."}},
		{"Poetry", named + "[tool.poetry]\npackages = [{include = 'own', from = 'lib'}, {include = 'b'}, {include = 'c', from = 'lib'}]\n", nil, []string{"lib", "."}},
		{"Hatchling", named + "[tool.hatch.build.targets.wheel]\npackages = ['lib/own']\n", nil, []string{"lib"}},
		{"PDM", named + "[tool.pdm.build]\npackage-dir = 'lib'\n", nil, []string{"lib"}},
		{"uv", named + "[build-system]\nbuild-backend = 'uv_build'\n", []string{"own.py"}, []string{"src"}},
		{"uv, flat", named + "[build-system]\nbuild-backend = 'uv_build'\n[tool.uv.build-backend]\nmodule-root = ''\n", nil, []string{"."}},
		{"outside", named + "[tool.setuptools.packages.find]\nwhere = ['../lib', '/lib', \"a\\nb\"]\n", nil, []string{"src", "."}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			project := projecttest.Files(PyprojectTOML, test.manifest)
			for _, file := range test.files {
				project[file] = &fstest.MapFile{}
			}
			if diff := cmp.Diff(test.want, rootsIn(t, project, ".")); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("a member", func(t *testing.T) {
		project := projecttest.Files("a/pyproject.toml", named+"[tool.setuptools.packages.find]\nwhere = ['.', '../b', '../../c']\n")
		if diff := cmp.Diff([]string{"a", "b"}, rootsIn(t, project, "a")); diff != "" {
			t.Error(diff)
		}
	})
}

func rootsIn(t *testing.T, project fstest.MapFS, dir string) []string {
	t.Helper()
	p, err := ReadPythonProject(project, dir)
	projecttest.Must(t, err)
	d, err := p.Distribution("")
	projecttest.Must(t, err)
	return d.Roots
}

// TestInstalled shows which projects the package managers install.
func TestInstalled(t *testing.T) {
	const built = "[build-system]\nrequires = []\n"
	tests := []struct {
		name, manifest string
		uv, poetry     bool
	}{
		{"a name", named, false, true},
		{"a build system", named + built, true, true},
		{"a build system without a name", built, false, false},
		{"a virtual project", named + built + "[tool.uv]\npackage = false\n", false, true},
		{"a package without a build system", named + "[tool.uv]\npackage = true\n", true, true},
		{"not Poetry's package", named + built + "[tool.poetry]\npackage-mode = false\n", true, false},
		{"Poetry's", "[tool.poetry]\nname = 'own'\n", false, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p, err := ReadPythonProject(projecttest.Files(PyprojectTOML, test.manifest), ".")
			projecttest.Must(t, err)
			if uv, poetry := p.InstalledByUV(), p.InstalledByPoetry(); uv != test.uv || poetry != test.poetry {
				t.Errorf("by uv %v, by Poetry %v", uv, poetry)
			}
		})
	}
}

// TestOddManifests: a manifest with a byte order mark and lines as on Windows, one in which everything is dynamic, and a package without
// __init__.py are installed like others.
func TestOddManifests(t *testing.T) {
	for name, manifest := range map[string]string{
		"BOM and CRLF": "\uFEFF[project]\r\nname = 'own'\r\nversion = '1'\r\n[project.scripts]\r\nown = 'ns.own:main'\r\n",
		"dynamic":      "[project]\nname = 'own'\ndynamic = ['version', 'dependencies', 'optional-dependencies', 'scripts', 'entry-points', 'readme']\n",
	} {
		p, err := ReadPythonProject(projecttest.Files(PyprojectTOML, manifest, "src/ns/own.py", ""), ".")
		projecttest.Must(t, err)
		d, err := p.Distribution("")
		projecttest.CheckError(t, err, "")
		if d.Name != "own" || !slices.Contains(d.Roots, "src") || len(d.EntryPoints) != map[string]int{"BOM and CRLF": 1}[name] {
			t.Errorf("%s: %+v", name, d)
		}
	}
}
