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

// TestNotes shows what the user is told about a version that only a build backend knows.
func TestNotes(t *testing.T) {
	const dynamic = "[project]\nname = 'own'\ndynamic = ['version']\n[build-system]\n"
	for version, want := range map[string]string{
		"": "only the build backend of own knows its version, so it is installed as 0.0.0: write version: in runtime.yaml", "1.2": "", "main": "only the build backend of own knows",
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
	tests := []struct {
		name, lock, manifest, member, yaml string
		projects, files                    string // in order
		uv                                 llb.UVSync
		err                                string
	}{
		{name: "a member", lock: root + lib, manifest: built, member: member, projects: ". packages/lib", files: "pyproject.toml uv.lock packages/lib/pyproject.toml"},
		{name: "a member of what is not installed", lock: root + lib, member: member, projects: "packages/lib", files: "pyproject.toml uv.lock packages/lib/pyproject.toml"},
		{name: "named files", lock: root + lib, member: member, yaml: "dependencies: {manager: uv, files: [packages/lib/pyproject.toml, pyproject.toml, uv.lock]}",
			projects: "packages/lib", files: "packages/lib/pyproject.toml pyproject.toml uv.lock"},
		{name: "nothing is to be installed", lock: root + lib, manifest: built, member: member, yaml: "project: none", files: "pyproject.toml uv.lock"},
		{name: "an archive", lock: root + lib + wheel, manifest: built, member: member, projects: ". packages/lib",
			files: "pyproject.toml uv.lock packages/lib/pyproject.toml w-1-py3-none-any.whl", uv: llb.UVSync{Archives: true, LeftOut: []string{"lib"}}},
		{name: "a member without a manifest", lock: root + lib, manifest: built,
			err: "runtime.yaml: the project in packages/lib has no pyproject.toml with its name, so rtbuild cannot install it: write project: none"},
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
