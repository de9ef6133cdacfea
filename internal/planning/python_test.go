package planning_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/internal/planning"
	"github.com/rtbuild/rtbuild/internal/profile"
	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
	"github.com/rtbuild/rtbuild/tags"
)

// TestDocumentOf: a document has the projects, and what each platform has no wheels of.
func TestDocumentOf(t *testing.T) {
	files := projecttest.Files("pyproject.toml", "[project]\nname = 'own'\nversion = '1'\ndependencies = ['a']\n[build-system]\n", "runtime.yaml", "base: a",
		"uv.lock", "[[package]]\nname = 'own'\nversion = '1'\nsource = { editable = '.' }\ndependencies = [{ name = 'a' }]\n"+
			"[[package]]\nname = 'a'\nversion = '2'\nsource = { registry = 'https://e.com' }\nsdist = { url = 'https://e.com/a-2.tar.gz' }\n"+
			"wheels = [{ url = 'https://e.com/a-2-cp39-abi3-manylinux_2_17_x86_64.whl' }]\n")
	r, err := profile.Load(files, profile.Options{})
	projecttest.Must(t, err)
	got, err := planning.DocumentOf(tags.Set{}, map[string]plan.JSON{"linux/amd64": {}, "linux/arm64": {}}, r, files)
	projecttest.Must(t, err)
	want := plan.Document{Projects: []string{"own 1"}, Platforms: map[string]plan.JSON{"linux/amd64": {}, "linux/arm64": {Compiled: []string{"a 2"}}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if one, err := planning.DocumentOf(tags.Set{}, map[string]plan.JSON{"linux/arm64": {}}, r, files); err != nil || len(one.Compiled) != 1 {
		t.Errorf("%+v, %v", one, err)
	}
}
