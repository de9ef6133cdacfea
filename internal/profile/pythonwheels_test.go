package profile

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rtbuild/rtbuild/internal/runtimefile"
	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
)

// TestWithoutWheel: the Python that is chosen decides which wheels fit.
func TestWithoutWheel(t *testing.T) {
	const lock = "requires-python = '>=3.12'\n[[package]]\nname = 'own'\nversion = '1'\nsource = { virtual = '.' }\ndependencies = [{ name = 'a' }]\n" +
		"[[package]]\nname = 'a'\nversion = '2'\nsource = { registry = 'https://e.com' }\nsdist = { url = 'https://e.com/a-2.tar.gz' }\nwheels = [{ url = 'https://e.com/a-2-cp313-cp313-manylinux_2_17_x86_64.whl' }]\n"
	for yaml, want := range map[string]string{
		"": "", "runtime: {python: 3.12}": "a 2", "runtime: {python: 3.13}": "", "dependencies: {manager: none}": "",
	} {
		project := projecttest.Files("pyproject.toml", "[project]\nname = 'own'\nversion = '1'\nrequires-python = '>=3.12'\ndependencies = ['a']\n", "uv.lock", lock, runtimefile.Name, "base: a\n"+yaml)
		r, err := Load(project, Options{})
		projecttest.Must(t, err)
		got, err := r.WithoutWheel(project, "amd64")
		if diff := cmp.Diff(want, strings.Join(got.Compiled, ", ")); diff != "" || err != nil || got.Impossible != nil {
			t.Errorf("%s: %s %v %v", yaml, diff, got, err)
		}
	}
	node, err := Load(projecttest.Files("package-lock.json", "{}", runtimefile.Name, "base: a"), Options{})
	projecttest.Must(t, err)
	if got, err := node.WithoutWheel(projecttest.Files("uv.lock", lock), "amd64"); len(got.Compiled) > 0 || err != nil {
		t.Errorf("profile node: %v %v", got, err)
	}
}
