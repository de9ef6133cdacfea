package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rtbuild/rtbuild/internal/testenv"
)

// sameImage checks that two images have the same files and config.
func sameImage(t *testing.T, from, to string) {
	t.Helper()
	if res := client(t, env.dir, "diff", "--exit-code", from, to); res.code != 0 {
		lines := strings.Split(res.stdout+res.stderr, "\n")
		t.Errorf("the images differ:\n%s", strings.Join(lines[:min(len(lines), 60)], "\n"))
	}
}

// testOpenhandsVariants checks that lock and versioned give the image of a build from scratch.
func testOpenhandsVariants(t *testing.T) {
	built := builtOpenhands(t)
	p := &project{dir: t.TempDir(), repository: built.repository}
	if err := os.CopyFS(p.dir, os.DirFS(built.dir)); err != nil {
		t.Fatal(err)
	}
	// A fresh builder makes each image again from scratch.
	again := &project{dir: p.dir, repository: built.repository + "-again"}
	solve := func(t *testing.T, p *project, want, addr string, more ...string) string {
		t.Helper()
		res := succeed(t, p.dir, p.openhandsArgs("solve", append(more, "--progress", "plain", "--addr", addr)...)...)
		if !strings.Contains(res.stderr, want+": ") {
			t.Errorf("not %s:\n%s", want, res.stderr)
		}
		return res.stderr
	}

	write(t, p.dir, "openhands/added.py", "print(1)\n")
	if err := os.Remove(filepath.Join(p.dir, "openhands/runtime/utils/vscode-extensions/memory-monitor/extension.js")); err != nil {
		t.Fatal(err)
	}
	builder := freshBuilder(t, testenv.BuilderOptions{})
	oh.registry.Traffic()
	solve(t, p, "lock", builder.Addr)
	if pulled, _, _ := oh.registry.Traffic(); pulled > 1<<20 {
		t.Errorf("%d bytes pulled for a change of the source", pulled)
	}
	lock := p.images(t).Source
	solve(t, again, "scratch", builder.Addr)
	sameImage(t, lock, again.images(t).Source)
	sameDeps(t, p.images(t).Lock, again.images(t).Lock)

	dropRuntimeWheel(t, p.dir)
	solve(t, p, "versioned", env.builder.Addr)
	// A builder that has built from scratch installs only the part of the package that the lock file dropped. Chromium stays.
	progress := solve(t, again, "versioned", builder.Addr)
	for part := range 16 {
		if name, same := fmt.Sprintf("install Python packages, part %d of 16", part+1), part+1 != 2; cached(progress, name) != same {
			t.Errorf("%q is cached: %t, want %t", name, !same, same)
		}
	}
	if !cached(progress, "install Playwright's Chromium") {
		t.Errorf("Chromium is installed again:\n%s", progress)
	}
	solve(t, again, "scratch", builder.Addr, "--force-rebuild")
	sameImage(t, p.images(t).Source, again.images(t).Source)
	sameImage(t, p.images(t).Lock, again.images(t).Lock)
	for name := range tree(t, p.images(t).Lock) {
		if strings.HasPrefix(name, "/openhands/poetry/") && strings.Contains(name, "/wheel-") {
			t.Errorf("the lock file dropped it, and the image has %s", name)
		}
	}
}

// testOpenhandsInstaller lets Poetry install the dependencies itself. The layers of system and tools stay. The files of the
// dependencies are those that uv installs, without REQUESTED and byte code.
func testOpenhandsInstaller(t *testing.T) {
	built := builtOpenhands(t)
	p := &project{dir: t.TempDir(), repository: built.repository}
	if err := os.CopyFS(p.dir, os.DirFS(built.dir)); err != nil {
		t.Fatal(err)
	}
	yaml := string(must(os.ReadFile(filepath.Join(built.dir, "runtime.yaml")))(t))
	write(t, p.dir, "runtime.yaml", yaml+"dependencies: {installer: poetry}\n")
	if res := succeed(t, p.dir, p.openhandsArgs("solve", "--progress", "plain")...); !strings.Contains(res.stderr, "versioned: ") {
		t.Errorf("not versioned:\n%s", res.stderr)
	}
	const dir = "/openhands/poetry/"
	dependencies := func(ref string) (names []string, compiled int) {
		for _, name := range slices.Sorted(maps.Keys(tree(t, ref))) {
			switch {
			case strings.HasPrefix(name, dir) && strings.HasSuffix(name, ".pyc"):
				compiled++
			case strings.HasPrefix(name, dir) && !slices.Contains([]string{"__pycache__", "REQUESTED"}, filepath.Base(name)):
				names = append(names, name)
			}
		}
		return names, compiled
	}
	byPoetry, none := dependencies(p.images(t).Lock)
	byUV, some := dependencies(built.images(t).Lock)
	if diff := cmp.Diff(byUV, byPoetry); diff != "" || none > 0 || some == 0 {
		t.Errorf("Poetry leaves %d files of byte code, and uv %d; other files: %s", none, some, diff)
	}
}

// testOpenhandsForeign enters on an image like those of the original: the same dependencies, no labels, and an older source with the
// editor's extensions. The result must have the same files as on a deps image of rtbuild, and nothing may be pulled.
func testOpenhandsForeign(t *testing.T) {
	built := builtOpenhands(t)
	ours, p := built.images(t), &project{dir: built.dir, repository: built.repository + "-original"}
	lock := image(t, ours.Lock)
	const extension = "openhands/.openvscode-server/extensions/openhands-"
	older := layerOwned(t, 1000, map[string]string{
		"openhands/code/openhands/stale.py": "x = 0\n", "openhands/code/openhands/__init__.py": "x = 0\n",
		extension + "hello-world/stale.js": "", extension + "memory-monitor/extension.js": "",
	})
	config := lock.Config
	config.Config.Labels, config.History = nil, nil
	_, tag, _ := strings.Cut(p.images(t).Lock, "/openhands-original:")
	if _, err := oh.registry.PushImage(t.Context(), "openhands-original", tag, config, append(lock.Layers(t.Context()), older)...); err != nil {
		t.Fatal(err)
	}
	builder := freshBuilder(t, testenv.BuilderOptions{})
	oh.registry.Traffic()
	res := succeed(t, p.dir, p.openhandsArgs("solve", "--progress", "plain", "--addr", builder.Addr)...)
	if !strings.Contains(res.stderr, "lock: ") {
		t.Errorf("not lock:\n%s", res.stderr)
	}
	if pulled, _, _ := oh.registry.Traffic(); pulled > 1<<20 {
		t.Errorf("%d bytes pulled", pulled)
	}
	var diff struct{ Files []json.RawMessage }
	if err := json.Unmarshal([]byte(succeed(t, p.dir, "diff", "--format", "json", ours.Source, p.images(t).Source).stdout), &diff); err != nil {
		t.Fatal(err)
	}
	if len(diff.Files) > 0 {
		t.Errorf("files differ: %s", diff.Files)
	}
}

// dropRuntimeWheel moves wheel from the group runtime to dev, and updates Poetry's hash of the manifest.
func dropRuntimeWheel(t *testing.T, dir string) {
	t.Helper()
	manifest, lock := filepath.Join(dir, "pyproject.toml"), filepath.Join(dir, "poetry.lock")
	edit(t, manifest, "runtime.dependencies]\nwheel = \"*\"", "runtime.dependencies]\npackaging = \"*\"")
	edit(t, manifest, "setuptools = \"*\"\n", "setuptools = \"*\"\nwheel = \"*\"\n")
	edit(t, lock, "3f1fc6afed6d074087409fb84299b043ce143058f3c5f7692324c434d55c9c9b", "72d1e1f628f111b5b6b321d99cd97f50384b26811e6a4ef93f81e076a363ee58")
	edit(t, lock, `groups = ["runtime"]`, `groups = ["dev"]`)
}

// testOpenhandsUbuntu builds on a Debian base that claims to be Ubuntu, because tests cannot reach Ubuntu's packages. The profile's
// further steps for Ubuntu use real packages of Debian and of npm's registry.
func testOpenhandsUbuntu(t *testing.T) {
	built := builtOpenhands(t)
	debian := image(t, oh.base)
	name := layerOf(t, map[string]string{osRelease: "ID=ubuntu\nID_LIKE=debian\nVERSION_CODENAME=noble\nPRETTY_NAME=\"Ubuntu 24.04\"\n"})
	if _, err := oh.registry.PushImage(t.Context(), "bases", "ubuntu", debian.Config, append(debian.Layers(t.Context()), name)...); err != nil {
		t.Fatal(err)
	}
	p := &project{dir: t.TempDir(), repository: oh.registry.Host + "/ubuntu-runtime"}
	if err := os.CopyFS(p.dir, os.DirFS(built.dir)); err != nil {
		t.Fatal(err)
	}
	write(t, p.dir, "runtime.yaml", openhandsYAML(t, oh.registry.Host+"/bases:ubuntu", "components: {browser: false, editor: false}"))
	succeed(t, p.dir, p.openhandsArgs("solve", "--progress", "plain", "--extra-deps", `node --version | grep '^v22\.' && npm --version && corepack --version &&
test -x "$(command -v yarn)" && python --version && python -m pip --version && python -m venv /tmp/venv &&
grep 'linux/ubuntu noble stable' /etc/apt/sources.list.d/docker.list`)...)
}
