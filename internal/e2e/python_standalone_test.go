package e2e

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/rtbuild/rtbuild/internal/profile"
	"github.com/rtbuild/rtbuild/internal/testenv"
	"github.com/rtbuild/rtbuild/llb"
)

// TestStandalonePython builds a project that no Python of the base's distribution fits: the pinned one comes from the mirror of its site, and
// nothing of the distribution is installed. A new requirement keeps it, and another Python in the runtime file is refused.
func TestStandalonePython(t *testing.T) {
	t.Parallel()
	python := must(testenv.StandalonePython(t.Context()))(t)
	site := pythonSite(t, python)
	p := &project{dir: t.TempDir(), repository: env.registry.Host + "/" + repositoryOf(t)}
	for name, content := range map[string]string{
		"pyproject.toml": `[project]
name = "new"
version = "1.0"
requires-python = ">=3.14"
dependencies = ["markupsafe"]
`,
		"new.py":       "import sys\nimport markupsafe\nimport markupsafe._speedups\n\nprint(*sys.version_info[:2], sys.base_prefix, markupsafe.escape('<'))\n",
		"runtime.yaml": fmt.Sprintf("network: {mirrors: {python: %q}}\ntools: [{name: python, version: %s, sha256: {%s: %s}}]\ncmd: [python, new.py]\n", site, python.Version, runtime.GOARCH, sumOf(t, python.Archive)),
	} {
		write(t, p.dir, name, content)
	}
	interpreter := filepath.Join(unpackedPython(t, python), "bin/python3")
	lockByUV(t, p.dir, "--python", interpreter)
	p.solve(t)
	if got := p.prints(t, p.plan(t).Images.Source); got != "3 14 /agent/python &lt;\n" {
		t.Errorf("the image prints %q", got)
	}
	for name := range tree(t, p.plan(t).Images.Source) {
		if strings.HasPrefix(name, "/usr/bin/python") || strings.HasPrefix(name, "/usr/lib/python3/") {
			t.Errorf("the distribution's %s is there", name)
		}
	}
	edit(t, filepath.Join(p.dir, "pyproject.toml"), `["markupsafe"]`, `["markupsafe", "idna"]`)
	lockByUV(t, p.dir, "--python", interpreter)
	if res := p.solve(t); !strings.HasPrefix(res.stderr, "versioned: ") {
		t.Errorf("a new requirement is\n%s", res.stderr)
	}
	if got := p.prints(t, p.plan(t).Images.Source); got != "3 14 /agent/python &lt;\n" {
		t.Errorf("after a new requirement, the image prints %q", got)
	}
	edit(t, filepath.Join(p.dir, "runtime.yaml"), "cmd:", "runtime: {python: 3.11}\ncmd:")
	const want = "runtime.yaml:3:1: pyproject.toml requires Python >=3.14, and runtime says 3.11: write runtime: {python: 3.14}"
	if res := client(t, p.dir, p.args("solve", "--addr", "unix:///nowhere")...); res.errorLine() != want {
		t.Errorf("exit code %d:\n%s", res.code, res.stderr)
	}
}

// pythonSite serves a Python as the releases of its project do, and returns the site's address.
func pythonSite(t *testing.T, python testenv.Python) string {
	t.Helper()
	release, _ := (&profile.Runtime{}).Release("python", "")
	release.Version = python.Version
	path := strings.TrimPrefix(release.Address(runtime.GOARCH), llb.PythonBuilds)
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != path {
			http.NotFound(w, r)
			return
		}
		http.ServeFile(w, r, python.Archive)
	}))
	t.Cleanup(site.Close)
	return site.URL
}

func sumOf(t *testing.T, file string) string {
	t.Helper()
	return fmt.Sprintf("%x", sha256.Sum256(must(os.ReadFile(file))(t)))
}

// unpackedPython returns the directory of a Python on this machine.
func unpackedPython(t *testing.T, python testenv.Python) string {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "tar", "-xzf", python.Archive, "-C", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return filepath.Join(dir, "python")
}
