package lint

import (
	"strings"
	"testing"
)

// TestMissingStart: a package.json often names a main file that only a build makes.
func TestMissingStart(t *testing.T) {
	tests := []struct {
		name    string
		runtime string // added to the runtime file
		main    string // of package.json
		copied  []string
		want    string // part of the finding; empty: none
	}{
		{"there", "", "a.js", []string{"a.js"}, ""},
		{"there, below a directory", "", "./lib/a.js", []string{"lib/a.js"}, ""},
		{"without its ending", "", "lib/a", []string{"lib/a.js"}, ""},
		{"a directory with a main file", "", "lib", []string{"lib/index.js"}, ""},
		{"the project itself", "", ".", []string{"index.js"}, ""},
		{"absent", "", "index.js", []string{"src/index.ts"}, "its command is node index.js, but index.js is not among the files of the image: write cmd: [node, FILE]"},
		{"a directory", "", "src", []string{"src/a.ts"}, "src is a directory without a main file"},
		{"written by the user", "cmd: [node, dist/a.js]\n", "a.js", []string{"a.js"}, "its command is node dist/a.js"},
		{"unknown what is copied", "", "index.js", nil, ""},
		{"made by extra", "extra: npm run build\n", "dist/a.js", []string{"a.ts"}, ""},
		{"an option", "cmd: [node, --version]\n", "", []string{"a.ts"}, ""},
		{"an absolute path", "cmd: [node, /opt/a.js]\n", "", []string{"a.ts"}, ""},
		{"a dependency's program", "cmd: [node, node_modules/a/cli.js]\n", "", []string{"a.ts"}, ""},
		{"another program", "cmd: [a]\n", "", []string{"a.ts"}, ""},
		{"an absolute path in the code", "cmd: [node, /agent/code/a.js]\n", "", []string{"a.ts"}, "but a.js is not among the files of the image: write cmd: [node, FILE]"},
		{"a program of the source", "cmd: [./bin/run]\n", "", []string{"bin/run"}, ""},
		{"a program of the source that is absent", "cmd: [bin/run]\n", "", []string{"a.ts"}, "its command is bin/run, but bin/run is not among the files of the image: write cmd: [FILE]"},
		{"a program that is a directory", "cmd: [./src, x]\n", "", []string{"src/index.js"}, "src is a directory without a main file"},
		{"the directory above", "cmd: [../run]\n", "", []string{"a.ts"}, ""},
		{"a program of the base", "cmd: [/bin/sh]\n", "", []string{"a.ts"}, ""},
		{"an interpreter alone", "cmd: [node]\n", "", []string{"a.ts"}, ""},
		{"an entrypoint", "entrypoint: [tini, --]\ncmd: [node, dist/a.js]\n", "", []string{"a.ts"}, ""},
		{"an entrypoint that is absent", "entrypoint: [node, dist/a.js]\n", "", []string{"a.ts"}, "its command is node dist/a.js"},
		{"behind options", "cmd: [node, --enable-source-maps, --max-old-space-size=64, dist/a.js]\n", "", []string{"a.ts"}, "dist/a.js is not among"},
		{"behind an option with a word", "cmd: [node, --import, tsx, a.ts]\n", "", []string{"b.ts"}, ""},
		{"a program that is not installed", "cmd: [tsx, a.ts]\n", "", []string{"a.ts"}, "its command is tsx, a development dependency"},
		{"a program that is not installed, after a build", "cmd: [tsx, a.ts]\nbuild: tsc\n", "", []string{"a.ts"}, "its command is tsx, a development dependency"},
		{"a program that is installed for development", "cmd: [tsx, a.ts]\ndependencies: {env: {NODE_ENV: development}}\n", "", []string{"a.ts"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			project := node("package.json", `{"main": "`+tt.main+`", "devDependencies": {"tsx": "4"}}`, "runtime.yaml", "base: "+pinned+"\n"+tt.runtime)
			found := strings.Join(inLines(missingStart(Input{Runtime: load(t, project), Project: project, Copied: tt.copied})), "\n")
			if (tt.want == "") != (found == "") || !strings.Contains(found, tt.want) {
				t.Errorf("found %q, want %q", found, tt.want)
			}
		})
	}
}

// TestNoCommand: without a command, the container runs the base's, such as a shell.
func TestNoCommand(t *testing.T) {
	const finding = "runtime.yaml NoCommand: nothing says how the project starts, so a container runs the command of the base " + pinned +
		": write cmd: [PROGRAM, ARGUMENT], or cmd: [] if every container is given its command | base: " + pinned
	tests := []struct{ name, runtime, manifest, want string }{
		{"a main file", "", `{"main": "a.js"}`, ""},
		{"nothing", "", `{}`, finding},
		{"written", "cmd: [a]\n", `{}`, ""},
		{"the next command is given", "cmd: []\n", `{}`, ""},
		{"an entrypoint", "entrypoint: [a]\n", `{}`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			project := node("package.json", tt.manifest, "runtime.yaml", "base: "+pinned+"\n"+tt.runtime)
			if got := strings.Join(inLines(noCommand(Input{Runtime: load(t, project)})), "\n"); got != tt.want {
				t.Errorf("found %q, want %q", got, tt.want)
			}
		})
	}
}
