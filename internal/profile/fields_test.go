package profile

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rtbuild/rtbuild/internal/runtimefile"
	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
)

// nodeProject is the least that profile node is detected by.
func nodeProject(runtime string) fstest.MapFS {
	return projecttest.Files("package.json", `{"version": "1.2.3"}`, "package-lock.json", "{}", runtimefile.Name, runtime)
}

// nodeRuntime is what nodeProject gives with nothing set but the base.
func nodeRuntime(change func(*Runtime)) *Runtime {
	r := &Runtime{
		Profile: "node", Base: "debian:bookworm", Version: "1.2.3",
		Interpreter: Interpreter{Name: "node", Version: "22"}, Prefix: "/agent", User: User{Name: "agent", UID: 1000, GID: 1000},
		Dependencies: Dependencies{Manager: "npm", Files: []string{"package.json", "package-lock.json"}},
		Source:       []Source{{Path: ".", Hash: true}},
		Ignore:       alwaysIgnored,
	}
	if change != nil {
		change(r)
	}
	return r
}

// compareRuntimes gives how two runtimes differ for everybody outside of the package.
func compareRuntimes(want, got *Runtime) string {
	return cmp.Diff(want, got, cmpopts.IgnoreUnexported(Runtime{}), cmpopts.EquateEmpty())
}

func TestFields(t *testing.T) {
	sum := strings.Repeat("0a", 32)
	tests := []struct {
		name, yaml string // the file, behind a line that names the base
		want       func(*Runtime)
	}{
		{"nothing", "", nil},
		{"a syntax line and an anchor", "# syntax=example.com/frontend:1\npackages: &p [git]\nignore: *p\n", func(r *Runtime) {
			r.Packages = map[string][]string{"": {"git"}}
			r.Ignore = append([]string{"git"}, alwaysIgnored...)
		}},
		{"the profile", "profile: node", nil},
		{"a repository", "repository: registry.example.com:5000/team/runtime", func(r *Runtime) { r.Repository = "registry.example.com:5000/team/runtime" }},
		{"a version", "version: 1.4.0", func(r *Runtime) { r.Version = "1.4.0" }},
		{"a version that is a number", "version: 1.10", func(r *Runtime) { r.Version = "1.10" }},
		{"a version that is a date", "version: 2024-01-02", func(r *Runtime) { r.Version = "2024-01-02" }},
		{"an interpreter", "runtime: {node: 20.10}", func(r *Runtime) { r.Interpreter.Version = "20.10" }},
		{"a prefix", "prefix: /opt/agent", func(r *Runtime) { r.Prefix = "/opt/agent" }},
		{"root", "user: root", func(r *Runtime) { r.User = User{Name: "root"} }},
		{"a user", "user: {name: bob, uid: 4294967294}", func(r *Runtime) { r.User = User{Name: "bob", UID: 4294967294, GID: 1000} }},
		{"a group", "user: {gid: 7}", func(r *Runtime) { r.User.GID = 7 }},
		{"packages", "packages: [tmux, g++, git=1:2.39, git, tmux]", func(r *Runtime) {
			r.Packages = map[string][]string{"": {"g++", "git=1:2.39", "git", "tmux"}}
			r.Packages[""] = []string{"g++", "git", "git=1:2.39", "tmux"}
		}},
		{"packages by manager", "packages: {apt: [b, a], apk: [], dnf: ['@c']}", func(r *Runtime) {
			r.Packages = map[string][]string{"apt": {"a", "b"}, "dnf": {"@c"}}
		}},
		{"components that are off anyway", "components: {browser: false, editor: false, docker: false}", nil},
		{
			"tools", "tools:\n- {name: uv, version: 0.8, url: 'https://e.com/{version}/uv-{arch}.tgz', sha256: {amd64: " + sum + ", arm64: " + strings.ToUpper(sum) + "}}\n" +
				"- {name: x, version: v1, url: 'http://e.com/@s/x', sha256: {amd64: " + sum + "}, to: lib/./x/}\n",
			func(r *Runtime) {
				r.Tools = []Tool{
					{Name: "uv", Version: "0.8", URL: "https://e.com/{version}/uv-{arch}.tgz", SHA256: map[string]string{"amd64": sum, "arm64": sum}, To: "bin"},
					{Name: "x", Version: "v1", URL: "http://e.com/@s/x", SHA256: map[string]string{"amd64": sum}, To: "lib/x"},
				}
			},
		},
		{"no dependencies", "dependencies: {manager: none}", func(r *Runtime) { r.Dependencies = Dependencies{Manager: "none"} }},
		{"dependency files", "dependencies: {files: [b.json, '@a/c.json']}", func(r *Runtime) { r.Dependencies.Files = []string{"b.json", "@a/c.json"} }},
		{"the manager of the profile", "dependencies: {manager: npm}", nil},
		{"source", "source: [{path: src/}, {path: ./data, hash: false}, {path: .}]", func(r *Runtime) {
			r.Source = []Source{{Path: ".", Hash: true}, {Path: "data"}, {Path: "src", Hash: true}}
		}},
		{"ignore", "ignore: ['*.log', '!a']", func(r *Runtime) { r.Ignore = append([]string{"*.log", "!a"}, alwaysIgnored...) }},
		{"env", "env: {A: 1.10, B: true, C: '', D: a b, E: 0x10}", func(r *Runtime) {
			r.Env = map[string]string{"A": "1.10", "B": "true", "C": "", "D": "a b", "E": "0x10"}
		}},
		{"a command", "cmd: [node, server.js, 8000]", func(r *Runtime) { r.Cmd = []string{"node", "server.js", "8000"} }},
		{"an entrypoint", "entrypoint: [tini]", func(r *Runtime) { r.Entrypoint = []string{"tini"} }},
		{"a working directory", "workdir: /srv/a b", func(r *Runtime) { r.Workdir = "/srv/a b" }},
		{"ports", "expose: [8080, 53/udp, 80/tcp, '8080']", func(r *Runtime) { r.Expose = []string{"80/tcp", "8080/tcp", "53/udp"} }},
		{"an extra command", "extra: |\n  a &&\n  b\n", func(r *Runtime) { r.Extra = "a &&\nb" }},
		{"mirrors", "network: {mirrors: {'https://a.com': 'http://b.com/a'}}", func(r *Runtime) { r.Mirrors = map[string]string{"https://a.com": "http://b.com/a"} }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			yaml := "base: debian:bookworm\n" + test.yaml
			got, err := Load(nodeProject(yaml), Options{})
			projecttest.CheckError(t, err, "")
			if diff := compareRuntimes(nodeRuntime(test.want), got); diff != "" {
				t.Error(diff)
			}
			projecttest.CheckSchema(t, runtimefile.Schema(), yaml, true)
		})
	}
}
