package profile

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rtbuild/rtbuild/internal/runtimefile"
	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
	"github.com/rtbuild/rtbuild/llb"
)

// TestPythonExtras checks which extras and groups each manager installs, and which names are refused.
func TestPythonExtras(t *testing.T) {
	const manifest = "[project]\nname = 'own'\nversion = '1'\n[project.optional-dependencies]\nWeb_Server = []\nlogs = []\n[dependency-groups]\ndev = []\nMetrics = []\n" +
		"[tool.poetry.group.docs.dependencies]\n"
	tests := []struct{ name, lock, yaml, want, err string }{
		{name: "uv", lock: "uv.lock", yaml: "{extras: [web-server, logs, logs], groups: [metrics]}", want: "[logs web-server] [metrics]"},
		{name: "uv, none", lock: "uv.lock", yaml: "{manager: uv}", want: "[] []"},
		{name: "poetry", lock: "poetry.lock", yaml: "{extras: [Logs], groups: [docs, dev]}", want: "[logs] [main dev docs]"},
		{name: "poetry by itself", lock: "poetry.lock", yaml: "{installer: poetry, extras: [Logs], groups: [docs]}", want: "[logs] [docs]"},
		{name: "an unknown extra", lock: "uv.lock", yaml: "{extras: [webserve]}", err: `runtime.yaml:2:1: pyproject.toml has no extra "webserve": did you mean "Web_Server"? known are Web_Server, logs`},
		{name: "an unknown group", lock: "uv.lock", yaml: "{groups: [docs]}", err: `runtime.yaml:2:1: pyproject.toml has no group "docs": known are Metrics, dev`},
		{name: "pip", lock: "requirements.txt", yaml: "{extras: [logs]}",
			err: "runtime.yaml:2:1: profile python with the manager pip installs no extras or groups of a project: write their packages into the requirements file, as pip-compile --extra does"},
		{name: "a bad name", lock: "uv.lock", yaml: "{extras: [a b]}", err: `runtime.yaml:2:25: name in extras "a b" is not valid: it must be letters, digits, ., - and _`},
	}
	seen := map[string]string{}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := Load(projecttest.Files("pyproject.toml", manifest, tt.lock, "", runtimefile.Name, "base: a\ndependencies: "+tt.yaml), Options{})
			if tt.err != "" {
				if err == nil || !strings.HasPrefix(err.Error()+"\n", tt.err+"\n") {
					t.Errorf("error %v, want %s", err, tt.err)
				}
				return
			}
			projecttest.Must(t, err)
			var got [2][]string
			switch i := r.Image().Installer.(type) {
			case llb.UVSync:
				got = [2][]string{i.Extras, i.Groups}
			case llb.PoetryLock:
				got = [2][]string{i.Extras, i.Groups}
			case llb.Poetry:
				got = [2][]string{i.Extras, i.Groups}
			}
			if diff := cmp.Diff(tt.want, strings.Trim(strings.Join([]string{text(got[0]), text(got[1])}, " "), " ")); diff != "" {
				t.Error(diff)
			}
			key := text(r.TagInputs().LockExtra["dependencies"].(Dependencies).Extras) + r.Dependencies.Manager + r.Dependencies.Installer
			if other, twice := seen[key]; twice {
				t.Errorf("%s and %s are in tags alike", tt.name, other)
			}
			seen[key] = tt.name
		})
	}
}

func text(list []string) string { return "[" + strings.Join(list, " ") + "]" }

// TestNoExtras: a project without extras says so, and profile node has none.
func TestNoExtras(t *testing.T) {
	_, err := Load(projecttest.Files("pyproject.toml", "", "uv.lock", "", runtimefile.Name, "base: a\ndependencies: {extras: [x]}"), Options{})
	projecttest.CheckError(t, err, `runtime.yaml:2:1: pyproject.toml has no extra "x": leave it out, because the project has no extras`)
	_, err = Load(projecttest.Files("package-lock.json", "{}", runtimefile.Name, "base: a\ndependencies: {groups: [x]}"), Options{})
	projecttest.CheckError(t, err, "runtime.yaml:2:1: profile node with the manager npm installs no extras or groups of a project: leave extras and groups out")
}

// TestUVMember: with directory, uv installs what the member there needs, whatever the project at the root depends on.
func TestUVMember(t *testing.T) {
	files := []string{
		"pyproject.toml", "[project]\nname = 'tools'\nversion = '1'\n[project.optional-dependencies]\nroot = []\n[build-system]\nrequires = []\n",
		"uv.lock", "[[package]]\nname = 'tools'\nsource = { editable = '.' }\n[[package]]\nname = 'shared'\nsource = { editable = 'packages/shared' }\n" +
			"[[package]]\nname = 'my-agent'\nsource = { virtual = 'packages/agent' }\ndependencies = [{ name = 'shared' }]\n[package.optional-dependencies]\nserver = []\n[package.dev-dependencies]\nmetrics = []\n",
		"packages/agent/pyproject.toml", "[project]\nname = 'My.Agent'\nversion = '2'\n[project.optional-dependencies]\nserver = []\n[dependency-groups]\nmetrics = []\ndocs = []\n[tool.uv]\ndefault-groups = ['metrics', 'dev']\n",
		"packages/shared/pyproject.toml", "[project]\nname = 'shared'\nversion = '1'\n[build-system]\nrequires = []\n",
		"plain/a.py", "",
	}
	tests := []struct {
		name, yaml, fault string
		want              llb.UVSync
		projects          []string
		files             string
	}{
		{name: "the root", want: llb.UVSync{}, projects: []string{"."}, files: "[pyproject.toml uv.lock]"},
		{name: "a directory that is no member", yaml: "directory: plain\n", projects: []string{"."}, files: "[pyproject.toml uv.lock]"},
		{
			name: "a member", yaml: "directory: packages/agent\ndependencies: {extras: [server], groups: [docs]}\n", projects: []string{"packages/shared"},
			want:  llb.UVSync{Package: "my-agent", Extras: []string{"server"}, Groups: []string{"metrics", "docs"}, LeftOut: []string{"shared"}},
			files: "[pyproject.toml uv.lock packages/agent/pyproject.toml packages/shared/pyproject.toml]",
		},
		{
			name: "a member that is installed, too", yaml: "directory: packages/agent\nproject: editable\n", projects: []string{"packages/agent", "packages/shared"},
			want:  llb.UVSync{Package: "my-agent", Groups: []string{"metrics"}, LeftOut: []string{"shared"}},
			files: "[pyproject.toml uv.lock packages/agent/pyproject.toml packages/shared/pyproject.toml]",
		},
		{
			name: "a member, no projects", yaml: "directory: packages/agent\nproject: none\n",
			want:  llb.UVSync{Package: "my-agent", Groups: []string{"metrics"}, LeftOut: []string{"shared"}},
			files: "[pyproject.toml uv.lock packages/agent/pyproject.toml]",
		},
		{name: "an extra of the root", yaml: "directory: packages/agent\ndependencies: {extras: [root]}\n", fault: `packages/agent/pyproject.toml has no extra "root"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := Load(projecttest.Files(append(files, runtimefile.Name, "base: a\n"+tt.yaml)...), Options{})
			if tt.fault != "" || err != nil {
				if err == nil || tt.fault == "" || !strings.Contains(err.Error(), tt.fault) {
					t.Errorf("error %v, want %q", err, tt.fault)
				}
				return
			}
			got := r.Image().Installer.(llb.UVSync)
			if diff := cmp.Diff(tt.want, llb.UVSync{Package: got.Package, Extras: got.Extras, Groups: got.Groups, LeftOut: got.LeftOut}, cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(llb.UVSync{})); diff != "" {
				t.Error(diff)
			}
			var dirs []string
			for _, p := range r.Project {
				dirs = append(dirs, p.Dir)
			}
			if diff := cmp.Diff(tt.projects, dirs); diff != "" {
				t.Error(diff)
			}
			if text(r.Dependencies.Files) != tt.files {
				t.Errorf("the lock files are %s", r.Dependencies.Files)
			}
			if name, _ := r.TagInputs().LockExtra["member"].(string); name != tt.want.Package {
				t.Errorf("the tags have the member %q", name)
			}
		})
	}
}
