package lint

import (
	"slices"
	"testing"
	"testing/fstest"

	"github.com/moby/buildkit/frontend/dockerfile/linter"

	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
)

// TestUVLockOutOfStep: uv installs from an old lock file without a word, so a build refuses it before it begins.
func TestUVLockOutOfStep(t *testing.T) {
	const lock = "version = 1\n[[package]]\nname = 'own'\nsource = { editable = '.' }\ndependencies = [{ name = 'lib' }]\n[package.metadata]\nrequires-dist = [{ name = 'lib', editable = 'lib' }]\n" +
		"[[package]]\nname = 'lib'\nsource = { editable = 'lib' }\n"
	const todo = ": run uv lock, and commit both"
	manifest := func(name, dependencies string) string {
		return "[project]\nname = '" + name + "'\nversion = '1'\ndependencies = [" + dependencies + "]\n[build-system]\n"
	}
	tests := []struct {
		name, own, lib string
		want           []string
	}{
		{"in step", "'lib'", "", nil},
		{"not in step", "'lib', 'a', 'b', 'c', 'd', 'e'", "", []string{"pyproject.toml LockOutOfStep: uv.lock does not agree with pyproject.toml: a is in pyproject.toml, but not in uv.lock; " +
			"b is in pyproject.toml, but not in uv.lock; c is in pyproject.toml, but not in uv.lock; d is in pyproject.toml, but not in uv.lock; and 1 more" + todo +
			" | dependencies = ['lib', 'a', 'b', 'c', 'd', 'e']"}},
		{"a member that is not in step", "'lib'", "'x==1'", []string{"lib/pyproject.toml LockOutOfStep: uv.lock does not agree with lib/pyproject.toml: x==1 is in lib/pyproject.toml, but not in uv.lock" + todo +
			" | dependencies = ['x==1']"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			project := fstest.MapFS(projecttest.Files("uv.lock", lock, "pyproject.toml", manifest("own", tt.own), "lib/pyproject.toml", manifest("lib", tt.lib), "runtime.yaml", "base: "+pinned+"\n"))
			in := Input{Runtime: load(t, project), Project: project}
			if got := inLines(uvLockOutOfStep(in)); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if err := CheckLocks(in, &linter.Config{}); (err != nil) != (tt.want != nil) {
				t.Errorf("a build ends with %v", err)
			}
			if err := CheckLocks(in, &linter.Config{SkipRules: []string{"LockOutOfStep"}}); err != nil {
				t.Errorf("a build that skips the rule ends with %v", err)
			}
		})
	}
}

// TestPoetryLockOutOfStep: Poetry refuses such a lock file itself, but only in a step of the build.
func TestPoetryLockOutOfStep(t *testing.T) {
	const hash = "d3b61ce5bbf8e8b50bae4a9e3a6d6a4bbf2cbe5e2fa0ee1a39a5e1e40b0e17f5"
	project := projecttest.Files("poetry.lock", "[metadata]\ncontent-hash = '"+hash+"'\n", "pyproject.toml", "[tool.poetry]\nname = 'own'\nversion = '1'\n", "runtime.yaml", "base: "+pinned+"\n")
	const want = "poetry.lock does not agree with pyproject.toml: what it requires has changed since: run poetry lock, and commit both"
	in := Input{Runtime: load(t, project), Project: project}
	if got := inLines(hashedLockOutOfStep(in)); !slices.Equal(got, []string{"poetry.lock LockOutOfStep: " + want + " | content-hash = '" + hash + "'"}) {
		t.Errorf("got %q", got)
	}
	projecttest.CheckError(t, CheckLocks(in, &linter.Config{}), "poetry.lock:2:1: "+want)
	projecttest.CheckError(t, CheckLocks(in, &linter.Config{SkipRules: []string{LockOutOfStep.Name}}), "")
}
