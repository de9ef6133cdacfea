package profile

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
	"github.com/rtbuild/rtbuild/llb"
)

// TestProjectCommand shows what a Python project starts if its runtime file does not say it. A command that older releases did not have
// is in the source tag.
func TestProjectCommand(t *testing.T) {
	const built, one, two = "[build-system]\n", "[project.scripts]\na = 'own:a'\n", "[project.scripts]\nb = 'own:b'\na = 'own:a'\n"
	tests := []struct {
		name, manifest, yaml string
		files                []string
		want                 string
	}{
		{"nothing", built, "", nil, ""},
		{"a script", built + one, "", []string{"src/own/__main__.py"}, "a"},
		{"several scripts", built + two, "", nil, ""},
		{"several scripts and a program", built + two, "", []string{"own/__main__.py"}, "python -m own"},
		{"a program", built, "", []string{"src/own/__main__.py"}, "python -m own"},
		{"a script that is not installed", one, "", nil, ""},
		{"a program that is not installed", "", "", []string{"own/__main__.py"}, "python -m own"},
		{"a program that is not installed and cannot be found", "", "", []string{"src/own/__main__.py"}, ""},
		{"a program that is not installed, and another directory", "", "workdir: /srv", []string{"own/__main__.py"}, ""},
		{"a program, and another directory", built, "workdir: /srv", []string{"own/__main__.py"}, "python -m own"},
		{"another package", built, "", []string{"src/other/__main__.py"}, ""},
		{"an entrypoint", built + one, "entrypoint: [x]", nil, ""},
		{"no command", built + one, "cmd: []", nil, ""},
		{"the project is not to be installed", built + one, "project: none", []string{"own/__main__.py"}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			project := uvProject(test.manifest)
			for _, file := range test.files {
				project[file] = &fstest.MapFile{}
			}
			r, err := Load(project, Options{Base: "debian", Data: []byte(test.yaml)})
			projecttest.CheckError(t, err, "")
			if got := strings.Join(r.Cmd, " "); got != test.want {
				t.Errorf("it starts %q, want %q", got, test.want)
			}
			traced, _ := r.TagInputs().SourceExtra["cmd"].([]string)
			if r.Cmd != nil && !slices.Equal(traced, r.Cmd) {
				t.Errorf("the tag has the command %q", traced)
			}
		})
	}
}

// TestNotes shows that the user is told about a version that only a build backend knows.
func TestNotes(t *testing.T) {
	const dynamic = "[project]\nname = 'own'\ndynamic = ['version']\n[build-system]\n"
	for version, want := range map[string]string{
		"": "own is installed without its build backend, so its version is 0.0.0: write version: in runtime.yaml", "1.2": "", "main": "own is installed without its build backend",
	} {
		r, err := Load(projecttest.Files("uv.lock", "", "pyproject.toml", dynamic), Options{Base: "debian", Version: version})
		projecttest.CheckError(t, err, "")
		if got := strings.Join(r.Notes(), "\n"); (got == "") != (want == "") || !strings.HasPrefix(got, want) {
			t.Errorf("version %q: %q", version, got)
		}
	}
}

// TestLocalProjects shows which projects of a workspace are installed, from which files.
func TestLocalProjects(t *testing.T) {
	const (
		root   = "[[package]]\nname = 'own'\nsource = { editable = '.' }\ndependencies = [{ name = 'lib' }]\n"
		lib    = "[[package]]\nname = 'lib'\nsource = { editable = 'packages/lib' }\n"
		wheel  = "dependencies = [{ name = 'w' }]\n[[package]]\nname = 'w'\nsource = { path = 'w-1-py3-none-any.whl' }\n"
		built  = "[project.scripts]\nown = 'own:a'\n[build-system]\n"
		member = "[project]\nname = 'lib'\nversion = '2'\n"
	)
	left := llb.UVSync{LeftOut: []string{"lib"}}
	tests := []struct {
		name, lock, manifest, member, yaml string
		projects, files                    string // in order
		uv                                 llb.UVSync
		err                                string
	}{
		{name: "a member", lock: root + lib, manifest: built, member: member, projects: ". packages/lib", files: "pyproject.toml uv.lock packages/lib/pyproject.toml", uv: left},
		{name: "a member of what is not installed", lock: root + lib, member: member, projects: "packages/lib", files: "pyproject.toml uv.lock packages/lib/pyproject.toml", uv: left},
		{name: "named files", lock: root + lib, member: member, yaml: "dependencies: {manager: uv, files: [packages/lib/pyproject.toml, pyproject.toml, uv.lock]}",
			projects: "packages/lib", files: "packages/lib/pyproject.toml pyproject.toml uv.lock", uv: left},
		{name: "nothing is to be installed", lock: root + lib, manifest: built, member: member, yaml: "project: none", files: "pyproject.toml uv.lock", uv: left},
		{name: "nothing is to be installed but an archive", lock: root + lib + wheel, manifest: built, member: member, yaml: "project: none", files: "pyproject.toml uv.lock",
			uv: llb.UVSync{Archives: true, LeftOut: []string{"lib"}}},
		{name: "an archive", lock: root + lib + wheel, manifest: built, member: member, projects: ". packages/lib",
			files: "pyproject.toml uv.lock w-1-py3-none-any.whl packages/lib/pyproject.toml", uv: llb.UVSync{Archives: true, LeftOut: []string{"lib"}}},
		{name: "a member without a manifest", lock: root + lib, manifest: built,
			err: "runtime.yaml: the project in packages/lib has no pyproject.toml with its name, so rtbuild cannot install it: write one, or write project: none"},
		{name: "two scripts of one name", lock: root + lib, manifest: built, member: member + "[project.gui-scripts]\nown = 'lib:b'\n",
			err: `packages/lib/pyproject.toml:5:1: the script "own" is also in pyproject.toml: rename one of them, or write project: none in runtime.yaml`},
		{name: "two projects of one name", lock: root + lib, manifest: built, member: "[project]\nname = 'OWN'\n",
			err: "runtime.yaml: the projects in . and packages/lib are both called OWN: rename one of them, or write project: none"},
		{name: "a member that is no TOML", lock: root + lib, member: "[", err: "packages/lib/pyproject.toml:1:1: not valid TOML: expected key but reached end of input"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			project := uvProject(test.manifest)
			project["uv.lock"] = &fstest.MapFile{Data: []byte(test.lock)}
			if test.member != "" {
				project["packages/lib/pyproject.toml"] = &fstest.MapFile{Data: []byte(test.member)}
			}
			r, err := Load(project, Options{Base: "debian", Name: "runtime.yaml", Data: []byte(test.yaml)})
			projecttest.CheckError(t, err, test.err)
			if err != nil {
				return
			}
			var dirs []string
			for _, d := range r.Project {
				dirs = append(dirs, d.Dir)
			}
			if got := strings.Join(dirs, " "); got != test.projects {
				t.Errorf("installed are %s", got)
			}
			if got := strings.Join(r.Dependencies.Files, " "); got != test.files {
				t.Errorf("the files are %s", got)
			}
			if got := r.Image().Installer; !reflect.DeepEqual(got, test.uv) {
				t.Errorf("the installer is %+v", got)
			}
		})
	}
}

// TestPoetryLocalProjects shows which projects are installed beside Poetry's.
func TestPoetryLocalProjects(t *testing.T) {
	project := projecttest.Files("pyproject.toml", "[tool.poetry]\nname = 'own'\nversion = '1'\n", "libs/lib/pyproject.toml", "[project]\nname = 'lib'\nversion = '2'\n",
		"poetry.lock", "[[package]]\nname = 'lib'\ngroups = ['main']\n[package.source]\ntype = 'directory'\nurl = 'libs/lib'\n")
	tests := []struct {
		name, yaml string
		projects   []string
		installer  llb.Installer
	}{
		{"a path", "", []string{"own", "lib"}, llb.PoetryLock{Groups: []string{"main"}, LeftOut: []string{"lib"}}},
		{"nothing is to be installed", "project: none", nil, llb.PoetryLock{Groups: []string{"main"}}},
		{"Poetry itself", "dependencies: {installer: poetry}", []string{"own"}, llb.Poetry{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r, err := Load(project, Options{Base: "debian", Data: []byte(test.yaml)})
			projecttest.CheckError(t, err, "")
			var names []string
			for _, d := range r.Project {
				names = append(names, d.Name)
			}
			if got := r.Image().Installer; !slices.Equal(names, test.projects) || !reflect.DeepEqual(got, test.installer) {
				t.Errorf("installed are %q by %+v", names, got)
			}
		})
	}
}

// TestPipProjects shows which projects are installed for requirements files, and which of their lines pip does not see.
func TestPipProjects(t *testing.T) {
	const own, lib = "[project]\nname = 'own'\nversion = '1'\n", "[project]\nname = 'lib'\nversion = '2'\n"
	pip := func(lines map[string][]int) llb.Installer {
		return llb.Pip{Requirements: "requirements.txt", LeftOut: lines}
	}
	tests := []struct {
		name, requirements, more, yaml string
		projects                       string
		installer                      llb.Installer
		files                          string
		err                            string
	}{
		{name: "nothing local", requirements: "idna==3.10\n", installer: pip(nil), files: "requirements.txt"},
		{name: "the project, after a byte order mark", requirements: "\uFEFF-e .\r\nidna==3.10\r\n", projects: "own", installer: pip(map[string][]int{"requirements.txt": {1}}), files: "requirements.txt pyproject.toml"},
		{name: "a path before the project, and twice", requirements: "-r more.txt\n# x\n-e .\n", more: "-e ./libs/lib\n-e .\n", projects: "own lib",
			installer: pip(map[string][]int{"more.txt": {1, 2}, "requirements.txt": {3}}), files: "requirements.txt more.txt pyproject.toml libs/lib/pyproject.toml"},
		{name: "not to be installed", requirements: "-e .\n", yaml: "project: none", installer: pip(map[string][]int{"requirements.txt": {1}}), files: "requirements.txt"},
		{name: "to be installed", requirements: "", yaml: "project: editable", projects: "own", installer: pip(nil), files: "requirements.txt pyproject.toml"},
		{name: "a project called like a dependency", requirements: "-e .\nOwn==1.0\n", err: "requirements.txt:2:1: own is also the project in ., which is installed, too: remove one of them"},
		{name: "no manifest", requirements: "-e ./libs\n", err: "runtime.yaml: the project in libs has no pyproject.toml with its name, so rtbuild cannot install it: write one, or write project: none"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			project := projecttest.Files("requirements.txt", test.requirements, "more.txt", test.more, "pyproject.toml", own, "libs/lib/pyproject.toml", lib)
			r, err := Load(project, Options{Base: "debian", Name: "runtime.yaml", Data: []byte(test.yaml)})
			projecttest.CheckError(t, err, test.err)
			if err != nil {
				return
			}
			var names []string
			for _, d := range r.Project {
				names = append(names, d.Name)
			}
			if got := r.Image().Installer; strings.Join(names, " ") != test.projects || !reflect.DeepEqual(got, test.installer) {
				t.Errorf("installed are %q by %+v", names, got)
			}
			if got := strings.Join(r.Dependencies.Files, " "); got != test.files {
				t.Errorf("the files are %s", got)
			}
		})
	}
}
