package profile

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
)

// TestDirectory: a project below its lock file has the start command, the build script and the version of its own manifest.
func TestDirectory(t *testing.T) {
	npm := []string{
		"package.json", `{"workspaces": ["packages/*"], "version": "0.0.1"}`, "package-lock.json", "{}",
		"packages/tool/package.json", `{"name": "tool"}`,
	}
	uv := []string{
		"pyproject.toml", "[tool.uv.workspace]\nmembers = [\"agents/*\"]\n",
		"uv.lock", "version = 1\n[manifest]\nmembers = [\"clock\"]\n[[package]]\nname = \"clock\"\nversion = \"2.0\"\nsource = { editable = \"agents/clock\" }\n",
		"agents/clock/pyproject.toml", "[project]\nname = \"clock\"\nversion = \"2.0\"\n[project.scripts]\nclock = \"clock:main\"\n[build-system]\nrequires = [\"hatchling\"]\n",
		"agents/clock/clock/__init__.py", "",
	}
	tests := []struct {
		name                  string
		files                 []string
		runtime               string
		cmd, build, lockFiles []string
		workdir, version      string
		fault                 string
	}{
		{
			name: "npm", files: append(npm, "packages/agent/package.json", `{"version": "3.1.0", "scripts": {"start": "node server.js --stdio"}}`, "packages/agent/server.js", ""),
			runtime: "directory: packages/agent\n", cmd: []string{"node", "server.js", "--stdio"}, workdir: "/agent/code/packages/agent", version: "3.1.0",
			lockFiles: []string{"package.json", "package-lock.json", "packages/agent/package.json", "packages/tool/package.json"},
		},
		{
			name: "a build", files: append(npm, "packages/agent/package.json", `{"scripts": {"start": "node dist/server.js", "build": "tsc"}}`),
			runtime: "directory: ./packages/agent/\n", cmd: []string{"node", "dist/server.js"}, build: []string{"npm", "--prefix", "packages/agent", "run", "build"},
			workdir: "/agent/code/packages/agent", version: "0.0.1",
			lockFiles: []string{"package.json", "package-lock.json", "packages/agent/package.json", "packages/tool/package.json"},
		},
		{
			name: "another working directory", files: append(npm, "packages/agent/package.json", `{"main": "a.js"}`, "packages/agent/a.js", ""),
			runtime: "directory: packages/agent\nworkdir: /data\n", cmd: []string{"node", "a.js"}, workdir: "/data", version: "0.0.1",
			lockFiles: []string{"package.json", "package-lock.json", "packages/agent/package.json", "packages/tool/package.json"},
		},
		{
			name: "uv", files: uv, runtime: "directory: agents/clock\n", cmd: []string{"clock"}, workdir: "/agent/code/agents/clock", version: "2.0",
			lockFiles: []string{"pyproject.toml", "uv.lock", "agents/clock/pyproject.toml"},
		},
		{
			name: "no such directory", files: npm, runtime: "directory: packages/agent\n",
			fault: "runtime.yaml:2:1: the context has no directory packages/agent: name a directory of the context, and let the context be the directory with the lock file\ndirectory: packages/agent\n^",
		},
		{
			name: "outside", files: npm, runtime: "directory: ../agent\n",
			fault: "runtime.yaml:2:12: directory \"../agent\" is not valid: it must be relative and stay inside\ndirectory: ../agent\n           ^",
		},
		{
			name: "the context", files: npm, runtime: "directory: .\n",
			fault: "runtime.yaml:2:12: the context itself is the default of directory: leave directory out\ndirectory: .\n           ^",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r, err := Load(projecttest.Files(append(test.files, "runtime.yaml", "base: debian:bookworm\n"+test.runtime)...), Options{})
			if test.fault != "" || err != nil {
				if err == nil || err.Error() != test.fault {
					t.Fatalf("the error is\n%v\nwant\n%s", err, test.fault)
				}
				return
			}
			var build []string
			if r.Build != nil {
				build = r.Build.Run
			}
			got := [][]string{r.Cmd, build, r.Dependencies.Files, {r.Workdir, r.Version}}
			if diff := cmp.Diff([][]string{test.cmd, test.build, test.lockFiles, {test.workdir, test.version}}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestRuntimeFileIsIgnored: the runtime file is no source, whatever its name. A builder learns the last part of the name only, so its content
// counts.
func TestRuntimeFileIsIgnored(t *testing.T) {
	const text = "base: debian:bookworm\ndirectory: a\n"
	tests := []struct{ name, file, path, content, want string }{
		{"in the project's directory", "agent.yaml", "a/agent.yaml", text, "a/agent.yaml"},
		{"named by a path", "/home/me/project/a/agent.yaml", "a/agent.yaml", text, "a/agent.yaml"},
		{"another file of that name", "agent.yaml", "a/agent.yaml", "name: x\n", ""},
		{"in another directory", "deploy/agent.yaml", "deploy/agent.yaml", text, ""},
		{"with characters of patterns", "a[1]*.yaml", "a/a[1]*.yaml", text, `a/a\[1]\*.yaml`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			fsys := projecttest.Files("package-lock.json", "{}", "a/package.json", "{}", test.path, test.content)
			r, err := Load(fsys, Options{Name: test.file, Data: []byte(text), Profile: "node"})
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if n := len(alwaysIgnored); len(r.Ignore) > n {
				got = r.Ignore[n]
			}
			if got != test.want {
				t.Errorf("ignored is %q, want %q", got, test.want)
			}
			if test.want != "" && r.sourceFiles(fsys)("/agent/code/"+test.path) {
				t.Errorf("%s is in the source", test.path)
			}
		})
	}
}
