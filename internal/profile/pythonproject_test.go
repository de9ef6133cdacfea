package profile

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
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
