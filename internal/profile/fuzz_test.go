package profile

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
)

// FuzzLoad shows that a file that can be read gives the same tags twice.
func FuzzLoad(f *testing.F) {
	for _, seed := range []string{
		projecttest.Everything, "", "---", "a: [", "user: &u {uid: 1}\nenv: *u", "base: a\n---\n", "? [a]\n: b", "packages: {apt: [a]}", "\xff", "a: &a [*a]", "env: {<<: &a {b: c}}",
		"runtime: {python: 3.10}", "cmd: a b", "tools: [{sha256: {amd64: 1}}]", "{}", "!!binary a: b", "\t- a", "a: |\n  b\n c", "%YAML 1.1\n---\nbase: b",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := Load(nodeProject(string(data)), Options{Profile: "node", Base: "debian"})
		if err != nil {
			return
		}
		first, second := r.ToolsDigest(), r.ToolsDigest()
		if first != second || r.TagInputs().Base != r.Base || r.Image().Base != r.Base {
			t.Fatal("not the same twice")
		}
	})
}

// FuzzDockerignore shows that the patterns of a .dockerignore go before the profile's own, which stay the last.
func FuzzDockerignore(f *testing.F) {
	for _, seed := range []string{"a", "!a\n# b\n\n", "**/.git\n!.git", "[", "\\", "\xff", "\uFEFFa", strings.Repeat("a", 70000)} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := Load(fstest.MapFS{"package-lock.json": {}, dockerignore: {Data: data}}, Options{Base: "debian"})
		if err != nil {
			return
		}
		if own := r.Ignore[max(0, len(r.Ignore)-len(alwaysIgnored)):]; !slices.Equal(own, alwaysIgnored) {
			t.Fatalf("the last are %q", own)
		}
	})
}
