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
		{"an entrypoint", "entrypoint: [tini, --]\ncmd: [node, dist/a.js]\n", "", []string{"a.ts"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			project := node("package.json", `{"main": "`+tt.main+`"}`, "runtime.yaml", "base: "+pinned+"\n"+tt.runtime)
			found := strings.Join(inLines(missingStart(Input{Runtime: load(t, project), Project: project, Copied: tt.copied})), "\n")
			if (tt.want == "") != (found == "") || !strings.Contains(found, tt.want) {
				t.Errorf("found %q, want %q", found, tt.want)
			}
		})
	}
}
