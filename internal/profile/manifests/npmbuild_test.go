package manifests

import (
	"strings"
	"testing"

	"github.com/rtbuild/rtbuild/internal/projectfile"
	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
)

// TestStarts checks whether a project has the file that a command starts.
func TestStarts(t *testing.T) {
	for _, tt := range []struct {
		name, manifest, command string
		want                    bool
	}{
		{"a file", `{}`, "node a.js", true},
		{"a file that is missing", `{}`, "node dist/a.js", false},
		{"a file without its end", `{}`, "node a", true},
		{"a directory", `{}`, "node .", true},
		{"an option before it", `{}`, "node --enable-source-maps dist/a.js", false},
		{"a module before it", `{}`, "node --import tsx a.js", true},
		{"a module before a file that is missing", `{}`, "node -r dotenv/config dist/a.js", false},
		{"a file elsewhere", `{}`, "node /srv/a.js", true},
		{"a file outside", `{}`, "node ../a.js", true},
		{"another program", `{}`, "tsx src/a.ts", true},
		{"a program without arguments", `{}`, "node", true},
		{"the start script", `{"scripts": {"start": "node dist/a.js"}}`, "npm start", false},
		{"the start script, silently", `{"scripts": {"start": "node dist/a.js"}}`, "npm run start --silent", false},
		{"another script", `{"scripts": {"start": "node dist/a.js"}}`, "npm run serve", true},
		{"no command, a start script", `{"scripts": {"start": "node dist/a.js"}, "main": "a.js"}`, "", false},
		{"no command, a start script that cannot be known", `{"scripts": {"start": "tsx src/a.ts"}, "main": "dist/a.js"}`, "", true},
		{"a server of what was built", `{"scripts": {"start": "next start -p 80"}}`, "", false},
		{"the same for development", `{"scripts": {"start": "next dev"}}`, "", true},
		{"no command, a main file", `{"main": "dist/a.js"}`, "", false},
		{"no command, a main file that is there", `{"main": "./a.js"}`, "", true},
		{"no command, a program", `{"bin": "dist/a.js"}`, "", false},
		{"no command, programs", `{"bin": {"a": "a.js", "b": "dist/b.js"}}`, "", false},
		{"nothing", `{}`, "", true},
		{"other types", `{"scripts": [], "main": 1, "bin": [2]}`, "", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			project := projecttest.Files(PackageJSON, tt.manifest, "a.js", "")
			p, err := ReadNPM(project)
			if got := p.Starts(func(file string) bool { return projectfile.Exists(project, file) }, strings.Fields(tt.command)); got != tt.want || err != nil {
				t.Errorf("got %t, %v", got, err)
			}
		})
	}
}
