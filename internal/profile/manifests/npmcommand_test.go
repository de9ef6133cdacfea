package manifests

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
)

// TestNPMCommand shows which command is found in a package.json. In MCP, a server's standard output belongs to the protocol, so npm must
// not print there.
func TestNPMCommand(t *testing.T) {
	silent := []string{"npm", "--silent", "start"}
	tests := []struct {
		name, manifest string
		has            []string // files of the image
		want           []string // nil: none
	}{
		{"a start script", `{"scripts": {"start": "node  --enable-source-maps dist/a.js"}, "main": "b.js"}`, []string{"b.js"}, []string{"node", "--enable-source-maps", "dist/a.js"}},
		{"of a dependency's program", `{"scripts": {"start": "next start -p 3000"}}`, nil, []string{"next", "start", "-p", "3000"}},
		{"with quotes", `{"scripts": {"start": "node 'a b.js' \"--name=x\" ''"}}`, nil, []string{"node", "a b.js", "--name=x", ""}},
		{"with a file", `{"scripts": {"start": "./bin/run"}}`, nil, []string{"./bin/run"}},
		{"with a program that sets variables", `{"scripts": {"start": "cross-env A=1 node a.js"}}`, nil, []string{"cross-env", "A=1", "node", "a.js"}},
		{"two commands", `{"scripts": {"start": "npm run build && node a.js"}}`, nil, silent},
		{"two commands, with ;", `{"scripts": {"start": "a;b"}}`, nil, silent},
		{"a pipe", `{"scripts": {"start": "node a.js | tee log"}}`, nil, silent},
		{"a variable", `{"scripts": {"start": "node a.js --port $PORT"}}`, nil, silent},
		{"a pattern", `{"scripts": {"start": "node *.js"}}`, nil, silent},
		{"output to a file", `{"scripts": {"start": "node a.js >log"}}`, nil, silent},
		{"an assignment", `{"scripts": {"start": "NODE_ENV=production node a.js"}}`, nil, silent},
		{"an open quote", `{"scripts": {"start": "node 'a.js"}}`, nil, silent},
		{"a backslash", `{"scripts": {"start": "node a\\ b.js"}}`, nil, silent},
		{"blanks", `{"scripts": {"start": "  "}}`, nil, silent},
		{"npm", `{"scripts": {"start": "npm run serve"}}`, nil, silent},
		{"yarn", `{"scripts": {"start": "yarn serve"}}`, nil, silent},
		{"yarn node", `{"scripts": {"start": "yarn node a.js"}}`, nil, []string{"node", "a.js"}},
		{"yarn node alone", `{"scripts": {"start": "yarn node"}}`, nil, silent},
		{"npm, which is refused", `{"scripts": {"start": "pnpm serve"}, "devEngines": {"packageManager": {"name": "pnpm"}}}`, nil, []string{"npm", "--force", "--silent", "start"}},
		{"a program, where npm is refused", `{"scripts": {"start": "node a.js"}, "devEngines": {"packageManager": {"name": "pnpm"}}}`, nil, []string{"node", "a.js"}},
		{"a builtin", `{"scripts": {"start": "exec node a.js"}}`, nil, silent},
		{"a script before it", `{"scripts": {"prestart": "node b.js", "start": "node a.js"}}`, nil, silent},
		{"a main file", `{"main": "a.js", "bin": "b.js"}`, []string{"a.js", "b.js"}, []string{"node", "a.js"}},
		{"a main file without its ending", `{"main": "./lib/a", "bin": "b.js"}`, []string{"lib/a.js"}, []string{"node", "./lib/a"}},
		{"a main directory", `{"main": "lib", "bin": "b.js"}`, []string{"lib/index.js"}, []string{"node", "lib"}},
		{"a main file that the build script makes", `{"main": "dist/a.js", "bin": "b.js", "scripts": {"build": "tsc"}}`, []string{"b.js"}, []string{"node", "dist/a.js"}},
		{"a main file that nothing makes", `{"main": "index.js", "bin": {"x": "bin/cli.mjs"}, "scripts": {"build": "node build.js"}}`, nil, []string{"node", "bin/cli.mjs"}},
		{"a program", `{"bin": "./cli.js"}`, nil, []string{"node", "cli.js"}},
		{"one program with two names", `{"bin": {"a": "./cli.js", "b": "cli.js"}}`, nil, []string{"node", "cli.js"}},
		{"two programs", `{"bin": {"a": "a.js", "b": "b.js"}}`, []string{"a.js", "b.js"}, nil},
		{"an absent main file, and nothing else", `{"main": "index.js"}`, nil, []string{"node", "index.js"}},
		{"nothing", `{"scripts": {"build": "tsc"}}`, nil, nil},
		{"values of other types", `{"scripts": {"start": 1}, "main": [], "bin": 2}`, nil, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := NPMCommand(projecttest.Files(PackageJSON, test.manifest), func(file string) bool { return slices.Contains(test.has, file) })
			projecttest.CheckError(t, err, "")
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
