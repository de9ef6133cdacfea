package lint

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
)

func uvProject(scripts, runtime string) fstest.MapFS {
	return projecttest.Files("uv.lock", "", "pyproject.toml", "[project]\nname = 'own'\nversion = '1'\n[build-system]\n[project.scripts]\n"+scripts,
		"runtime.yaml", "base: "+pinned+"\n"+runtime)
}

// TestNoCommandOfSeveral: a Python project with several scripts lists them.
func TestNoCommandOfSeveral(t *testing.T) {
	const two = "b = 'own:b'\na = 'own:a'\n"
	tests := []struct{ name, scripts, runtime, want string }{
		{"two scripts", two, "", "because the project has several scripts: write cmd: [a], or cmd: [b]"},
		{"one script", "a = 'own:a'\n", "", ""},
		{"none", "", "", "nothing says how the project starts"},
		{"a command", two, "cmd: [b]", ""},
		{"no command", two, "cmd: []", ""},
		{"an entrypoint", two, "entrypoint: [b]", ""},
		{"not installed", two, "project: none", "nothing says how the project starts"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			found := strings.Join(inLines(noCommand(Input{Runtime: load(t, uvProject(tt.scripts, tt.runtime))})), "\n")
			if (tt.want == "") != (found == "") || !strings.Contains(found, tt.want) {
				t.Errorf("found %q, want %q", found, tt.want)
			}
		})
	}
}

func TestMissingModule(t *testing.T) {
	const missing = "its command is the script own, which calls "
	tests := []struct {
		name, target, runtime string
		copied                []string
		want                  string
	}{
		{"there", "own.cli:main", "", []string{"src/own/cli.py"}, ""},
		{"there, flat", "own.cli:main", "", []string{"own/cli.py"}, ""},
		{"a package", "own:main", "", []string{"src/own/__init__.py"}, ""},
		{"a compiled module", "own.cli:main", "", []string{"own/cli.pyx"}, ""},
		{"absent", "own.cli:main", "", []string{"own/main.py"}, missing + "own.cli:main, but the source has no module own.cli in src or ."},
		{"elsewhere", "own.cli:main", "", []string{"lib/own/cli.py"}, missing},
		{"a dependency's", "uvicorn.main:main", "", []string{"own/main.py"}, ""},
		{"unknown what is copied", "own.cli:main", "", nil, ""},
		{"made by extra", "own.cli:main", "extra: make\n", []string{"Makefile"}, ""},
		{"another command", "own.cli:main", "cmd: [python]\n", []string{"Makefile"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := Input{Runtime: load(t, uvProject("own = '"+tt.target+"'\n", tt.runtime)), Copied: tt.copied}
			found := strings.Join(inLines(missingModule(in)), "\n")
			if (tt.want == "") != (found == "") || !strings.Contains(found, tt.want) {
				t.Errorf("found %q, want %q", found, tt.want)
			}
		})
	}
}
