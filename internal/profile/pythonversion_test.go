package profile

import (
	"strings"
	"testing"

	"github.com/rtbuild/rtbuild/internal/runtimefile"
	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
)

// TestPythonOfProject checks which Python a project gets on a base without one that fits.
func TestPythonOfProject(t *testing.T) {
	requires := func(text string) string {
		return "[project]\nname = \"a\"\nversion = \"1\"\nrequires-python = \"" + text + "\"\n"
	}
	poetry := func(text string) string {
		return "[tool.poetry]\nname = \"a\"\n[tool.poetry.dependencies]\npython = \"" + text + "\"\n"
	}
	tests := []struct {
		name        string
		files       []string
		version     string // that base and distribution must have, or the beginning of it
		pinned, err string
	}{
		{name: "nothing", pinned: "3.13"},
		{name: "a range with the preferred one", files: []string{"pyproject.toml", requires(">=3.10")}, pinned: "3.13"},
		{name: "a range above", files: []string{"pyproject.toml", requires(">=3.14")}, pinned: "3.15"},
		{name: "a range below", files: []string{"pyproject.toml", requires(">=3.10,<3.13")}, pinned: "3.12"},
		{name: "a range that no pinned one is in", files: []string{"pyproject.toml", requires("<3.9")}},
		{name: "what is no range", files: []string{"pyproject.toml", requires("new")}, pinned: "3.13"},
		{name: "Poetry's range", files: []string{"pyproject.toml", poetry("~3.11"), "poetry.lock", "", "requirements.txt", "", runtimefile.Name, "base: a\ndependencies: {manager: poetry}"}, pinned: "3.11"},
		{name: "Poetry's caret", files: []string{"pyproject.toml", poetry("^3.14")}, pinned: "3.15"},
		{name: "Poetry's alternatives", files: []string{"pyproject.toml", poetry("3.8.* || >=3.11 <3.13")}, pinned: "3.12"},
		{name: "uv.lock", files: []string{"pyproject.toml", requires(">=3.9"), "uv.lock", "requires-python = \">=3.9, <3.12\"\n", runtimefile.Name, "base: a\ndependencies: {manager: uv}"}, pinned: "3.11"},
		{name: "poetry.lock", files: []string{"pyproject.toml", requires(">=3.9"), "poetry.lock", "[metadata]\npython-versions = \">=3.9,<3.12\"\n", runtimefile.Name, "base: a\ndependencies: {manager: poetry}"}, pinned: "3.11"},
		{name: ".python-version", files: []string{".python-version", "# ours\n3.12.4\n3.11\n"}, version: "3.12", pinned: "3.12"},
		{name: ".python-version with a name", files: []string{".python-version", "cpython@3.12\n"}, version: "3.12", pinned: "3.12"},
		{name: ".python-version of another Python", files: []string{".python-version", "pypy3.10-7.3\n"}, pinned: "3.13"},
		{name: "the runtime file", files: []string{".python-version", "3.12", runtimefile.Name, "base: a\nruntime: {python: 3.11}"}, version: "3.11", pinned: "3.11"},
		{name: "a tool", files: []string{runtimefile.Name, "base: a\ntools: [{name: python, version: 3.13.1+20250101, sha256: {amd64: " + strings.Repeat("a", 64) + "}}]"}, pinned: "3.13.1+20250101"},
		{name: "a contradiction", files: []string{"pyproject.toml", requires(">=3.12"), runtimefile.Name, "base: a\nruntime: {python: 3.11}"},
			err: "runtime.yaml:2:1: pyproject.toml requires Python >=3.12, and runtime says 3.11: write runtime: {python: 3.13}"},
		{name: "a contradiction in the long form", files: []string{"pyproject.toml", requires(">=3.12"), runtimefile.Name, "base: a\nruntime: {python: {version: 3.11, from: standalone}}"},
			err: "runtime.yaml:2:1: pyproject.toml requires Python >=3.12, and runtime says 3.11: write runtime: {python: {version: 3.13, from: standalone}}"},
		{name: "a contradiction of files", files: []string{"pyproject.toml", requires(">=3.12"), ".python-version", "3.11.2"},
			err: ".python-version:1:1: pyproject.toml requires Python >=3.12, and .python-version says 3.11: name another version there, or write runtime: {python: 3.13} in runtime.yaml"},
		{name: "a contradiction without a way out", files: []string{"pyproject.toml", requires("<3.9"), runtimefile.Name, "base: a\nruntime: {python: 3.11}"},
			err: "runtime.yaml:2:1: pyproject.toml requires Python <3.9, and runtime says 3.11: change one of them"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := Load(projecttest.Files(append([]string{"requirements.txt", "", runtimefile.Name, "base: a"}, tt.files...)...), Options{Profile: "python"})
			if tt.err != "" {
				if err == nil || !strings.HasPrefix(err.Error()+"\n", tt.err+"\n") {
					t.Errorf("error %v, want %s", err, tt.err)
				}
				return
			}
			if err != nil || r.Interpreter.Version != tt.version || !strings.HasPrefix(r.PythonPinned, tt.pinned) || (tt.pinned == "") != (r.PythonPinned == "") {
				t.Errorf("%+v, %q, %v", r.Interpreter, r.PythonPinned, err)
			}
		})
	}
}

// TestPythonInTags checks that the lock tag and the digest of the tools tell Pythons apart.
func TestPythonInTags(t *testing.T) {
	seen := map[string]string{}
	for name, files := range map[string][]string{
		"nothing":    nil,
		"a range":    {"pyproject.toml", "[project]\nrequires-python = \">=3.12\""},
		"a version":  {".python-version", "3.12"},
		"standalone": {runtimefile.Name, "base: a\nruntime: {python: {from: standalone}}"},
		"both":       {runtimefile.Name, "base: a\nruntime: {python: {version: 3.12, from: standalone}}"},
	} {
		r, err := Load(projecttest.Files(append([]string{"requirements.txt", "", runtimefile.Name, "base: a"}, files...)...), Options{Profile: "python"})
		if err != nil {
			t.Fatal(err)
		}
		if other, twice := seen[r.ToolsDigest()]; twice {
			t.Errorf("%s and %s have the same tools", name, other)
		}
		seen[r.ToolsDigest()] = name
		if got := r.TagInputs().LockExtra; (len(got) == 0) != (name == "nothing") {
			t.Errorf("%s: %v", name, got)
		}
	}
}
