package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/rtbuild/rtbuild/internal/profile"
	"github.com/rtbuild/rtbuild/internal/testmirror"
)

// testPythonManagers installs with Poetry and with uv. The image must contain exactly the packages of the lock file, also after one
// is dropped.
func testPythonManagers(t *testing.T) {
	builtOpenhands(t) // starts the mirror
	uv, _ := (&profile.Runtime{}).Release("uv", "")
	tests := []struct {
		manager string
		write   func(string, *testmirror.Mirror) error
		yaml    string
		drop    func(t *testing.T, dir string) // removes wheel from the installed packages
	}{
		{"poetry", testmirror.PoetryProject, "packages: [python3-poetry]", dropByPoetry},
		{"poetry by its own installer", testmirror.PoetryProject, "packages: [python3-poetry]\ndependencies: {installer: poetry}", dropByPoetry},
		{"uv", testmirror.UVProject, fmt.Sprintf("tools: [{name: uv, version: %s, sha256: {%s: %s}}]", uv.Version, runtime.GOARCH,
			oh.mirror.SHA256(uv.Address(runtime.GOARCH))), func(t *testing.T, dir string) {
			edit(t, filepath.Join(dir, "uv.lock"), "dependencies = [\n    { name = \"packaging\" },\n    { name = \"wheel\" },\n", "dependencies = [\n    { name = \"packaging\" },\n")
		}},
	}
	for _, test := range tests {
		t.Run(test.manager, func(t *testing.T) {
			p := &project{dir: t.TempDir(), repository: oh.registry.Host + "/" + repositoryOf(t)}
			if err := test.write(p.dir, oh.mirror); err != nil {
				t.Fatal(err)
			}
			mirrors := must(json.Marshal(oh.mirrors))(t)
			write(t, p.dir, "runtime.yaml", fmt.Sprintf("base: %s\nnetwork: {mirrors: %s}\n%s\ncmd: [python, main.py]\n", oh.base, mirrors, test.yaml))
			succeed(t, p.dir, p.openhandsArgs("solve", "--progress", "plain")...)
			p.holdsProjects(t, map[string]bool{"packaging-": true, "wheel-": true, "setuptools-": false})
			p.answersPython(t)

			test.drop(t, p.dir)
			if res := succeed(t, p.dir, p.openhandsArgs("solve", "--progress", "plain")...); !strings.Contains(res.stderr, "versioned: ") {
				t.Errorf("not versioned:\n%s", res.stderr)
			}
			p.holdsProjects(t, map[string]bool{"packaging-": true, "wheel-": false, "setuptools-": false})
			if faults := oh.mirror.Faults(); len(faults) > 0 {
				t.Errorf("the mirror was asked as no real site is: %q", faults)
			}
		})
	}
}

// dropByPoetry moves wheel from the group main to dev, and updates Poetry's hash of the manifest, as poetry remove and poetry add
// --group dev would.
func dropByPoetry(t *testing.T, dir string) {
	t.Helper()
	manifest, lock := filepath.Join(dir, "pyproject.toml"), filepath.Join(dir, "poetry.lock")
	edit(t, manifest, "wheel = \"*\"\n", "")
	edit(t, manifest, "setuptools = \"*\"\n", "setuptools = \"*\"\nwheel = \"*\"\n")
	edit(t, lock, "f10f6d44523debd20e89000586d8d5b65353031d7a7ec50656fb8ccd3689ceaf", "e6ed396be0d8d7ddbb50cc0dde51157b19df9a15611ed780c23be7ea1f986af9")
	before, wheel, _ := strings.Cut(string(must(os.ReadFile(lock))(t)), `name = "wheel"`)
	write(t, dir, "poetry.lock", before+`name = "wheel"`+strings.Replace(wheel, `groups = ["main"]`, `groups = ["dev"]`, 1))
}

// answersPython starts the project's image and calls it.
func (p *project) answersPython(t *testing.T) {
	t.Helper()
	rootfs := filepath.Join(t.TempDir(), "rootfs")
	succeed(t, p.dir, p.openhandsArgs("solve", "--progress", "plain", "-o", rootfs)...)
	config := image(t, p.images(t).Source).Config.Config
	config.Cmd = append(config.Cmd, "0")
	if got := call(t, "GET", serves(t, rootfs, config)+"/", ""); !strings.Contains(got, " of /agent/venv/lib/") {
		t.Errorf("it answers %s", got)
	}
}

// holdsProjects checks whether projects are in the virtual environment, by prefixes of directory names.
func (p *project) holdsProjects(t *testing.T, projects map[string]bool) {
	t.Helper()
	files := tree(t, p.images(t).Lock)
	for prefix, want := range projects {
		got := false
		for name := range files {
			got = got || strings.HasPrefix(name, "/agent/venv/lib/") && strings.HasPrefix(filepath.Base(name), prefix) && strings.HasSuffix(name, ".dist-info")
		}
		if got != want {
			t.Errorf("%s is installed: %v, want %v", prefix, got, want)
		}
	}
}
