package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
)

// TestNPMWithoutProject installs the dependencies of a project whose own scripts and programs need its source. Only the script of a
// dependency runs. Then it follows the hint of ScriptsLeftOut.
func TestNPMWithoutProject(t *testing.T) {
	t.Parallel()
	p := small(t)
	const code = "/agent/code/"
	files := map[string]string{
		"package.json": "\uFEFF" + `{"name":"small","version":"1.0.0","scripts":{"prepare":"false","postinstall":"node server.js > ran"},
"dependencies":{"is-number":"7.0.0","dep":"file:vendor/dep.tgz","tool":"file:tool"}}`,
		"tool/package.json": `{"name":"tool","version":"1.0.0","bin":{"tool":"cli.js"},"scripts":{"install":"false","prepare":"node cli.js"}}`,
		"tool/cli.js":       "#!/usr/bin/env node\n",
		".npmrc":            "//registry.example.com/:_authToken=${TOKEN}\nlegacy-peer-deps=true\n",
		"package-lock.json": `{"name":"small","version":"1.0.0","lockfileVersion":3,"requires":true,"packages":{
"":{"name":"small","version":"1.0.0","hasInstallScript":true,"dependencies":{"is-number":"7.0.0","dep":"file:vendor/dep.tgz","tool":"file:tool"}},
"tool":{"version":"1.0.0","hasInstallScript":true,"bin":{"tool":"cli.js"}},
"node_modules/dep":{"version":"1.0.0","resolved":"file:vendor/dep.tgz","hasInstallScript":true},
"node_modules/is-number":{"version":"7.0.0","integrity":"` + isNumber7 + `","license":"MIT","engines":{"node":">=0.12.0"}},
"node_modules/tool":{"resolved":"tool","link":true}}}
`,
	}
	write(t, p.dir, "vendor/keep", "")
	for name, text := range files {
		write(t, p.dir, name, text)
	}
	packed(t, filepath.Join(p.dir, "vendor/dep.tgz"), `{"name":"dep","version":"1.0.0","scripts":{"postinstall":"echo ran > ran"}}`)
	p.solve(t)
	deps, built := tree(t, p.plan(t).Images.Lock), tree(t, p.plan(t).Images.Source)
	for name, want := range map[string]bool{
		"ran": false, "node_modules/dep/ran": true, "node_modules/is-number/package.json": true, "node_modules/.bin/tool": true, "tool/cli.js": true,
	} {
		if _, found := built[code+name]; found != want {
			t.Errorf("%s: found: %t", name, found)
		}
	}
	for _, name := range []string{"package.json", "tool/package.json", ".npmrc"} { // changed while npm ran
		if got := deps[code+name].Digest; got != digest.FromString(files[name]) {
			t.Errorf("%s has the digest %q in the deps image", name, got)
		}
	}
	if _, found := deps[code+"tool/cli.js"]; found {
		t.Error("the place of the program is still there")
	}
	const hint = "npm run postinstall"
	p.solve(t, "--extra-deps", hint)
	if _, ran := tree(t, p.plan(t, "--extra-deps", hint).Images.Source)[code+"ran"]; !ran {
		t.Error("the script has not run")
	}
}

// TestNPMPatches checks that the patches of patch-package are applied to the dependencies, count for the lock tag, and end the build if
// they do not fit.
func TestNPMPatches(t *testing.T) {
	t.Parallel()
	p := small(t)
	for _, name := range []string{"package.json", "package-lock.json", "patches/is-number+7.0.0.patch"} {
		write(t, p.dir, name, string(must(os.ReadFile(filepath.Join("testdata/patched", name)))(t)))
	}
	p.solve(t)
	planned := p.plan(t)
	const patched = "/agent/code/node_modules/is-number/patched.js"
	if got := tree(t, planned.Images.Lock)[patched].Digest; got != digest.FromString("module.exports = 1\n") {
		t.Errorf("the patch is not applied: %q", got)
	}
	patch := filepath.Join(p.dir, "patches/is-number+7.0.0.patch")
	edit(t, patch, "exports = 1", "exports = 2")
	if got := p.plan(t); got.Lock == planned.Lock || got.Variant == "lock" {
		t.Errorf("an edited patch leaves the lock tag %s, variant %s", got.Lock, got.Variant)
	}
	edit(t, patch, "--- /dev/null", "--- a/node_modules/is-number/none.js")
	edit(t, patch, "new file mode 100644\n", "")
	if res := p.fails(t, 1, "npm ci"); !strings.Contains(res.stderr, "cause: **ERROR** Failed to apply patch for package is-number") {
		t.Errorf("the cause is not said:\n%s", res.stderr)
	}
}
