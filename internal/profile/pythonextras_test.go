package profile

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

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
