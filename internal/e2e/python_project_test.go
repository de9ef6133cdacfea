package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rtbuild/rtbuild/internal/profile"
	"github.com/rtbuild/rtbuild/internal/testenv"
	"github.com/rtbuild/rtbuild/internal/testmirror/releases"
)

// TestPythonProject builds a workspace of uv as it is, and starts its own script: the project's metadata and its modules are there, and
// those of a member and of a path. The layer of the projects is the same on another builder.
func TestPythonProject(t *testing.T) {
	t.Parallel()
	p := &project{dir: t.TempDir(), repository: env.registry.Host + "/" + repositoryOf(t)}
	for name, content := range map[string]string{
		"pyproject.toml": `[project]
name = "Own.Project"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = ["idna", "lib", "beside"]
[project.scripts]
own = "own.cli:main"
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[tool.uv.workspace]
members = ["packages/*"]
[tool.uv.sources]
lib = { workspace = true }
beside = { path = "libs/beside" }
`,
		"packages/lib/pyproject.toml":      member("lib", `dynamic = ["version"]`) + "[tool.hatch.version]\npath = \"src/lib/__init__.py\"\n",
		"packages/lib/src/lib/__init__.py": "__version__ = '9'\n",
		"libs/beside/pyproject.toml":       member("beside", `version = "2.0"`),
		"libs/beside/beside.py":            "",
		"src/own/__init__.py":              "",
		"src/own/cli.py": "import importlib.metadata\nimport idna\nimport beside\nimport lib\n\n" +
			"def main():\n    print(*map(importlib.metadata.version, ['own-project', 'lib', 'beside']), idna.encode('ä').decode(), lib.__file__)\n",
		"runtime.yaml": "profile: python\n" + realUV(t),
	} {
		write(t, p.dir, name, content)
	}
	lockByUV(t, p.dir)
	p.solve(t)
	if got := p.prints(t, p.plan(t).Images.Source); got != "0.1.0 0.0.0 2.0 xn--4ca /agent/code/packages/lib/src/lib/__init__.py\n" {
		t.Errorf("the image prints %q", got)
	}
	write(t, p.dir, "src/own/cli.py", "def main():\n    print('edited')\n")
	if res := p.solve(t); !strings.HasPrefix(res.stderr, "lock: ") {
		t.Errorf("a source edit is\n%s", res.stderr)
	}
	if got := p.prints(t, p.plan(t).Images.Source); got != "edited\n" {
		t.Errorf("the edited image prints %q", got)
	}
	again := &project{dir: p.dir, repository: p.repository + "-again", base: p.base}
	again.solve(t, "--addr", freshBuilder(t, testenv.BuilderOptions{}).Addr)
	const layer = "[deps] install the project"
	one, two := depsLayers(t, p.plan(t).Images.Lock)[layer], depsLayers(t, again.plan(t).Images.Lock)[layer]
	if one == "" || one != two {
		t.Errorf("the project's layer is %q, and %q on another builder", one, two)
	}
}

// member returns the manifest of a further project.
func member(name, version string) string {
	return "[project]\nname = \"" + name + "\"\nrequires-python = \">=3.11\"\n" + version +
		"\n[build-system]\nrequires = [\"hatchling\"]\nbuild-backend = \"hatchling.build\"\n"
}

// lockByUV writes the lock file of a project of uv, with the index that pip uses on this machine.
func lockByUV(t *testing.T, dir string) {
	t.Helper()
	release, _ := (&profile.Runtime{}).Release("uv", "")
	bin := t.TempDir()
	unpack := exec.CommandContext(t.Context(), "tar", "-xz", "--strip-components=1", "-C", bin)
	unpack.Stdin = bytes.NewReader(must(releases.UV(t.Context(), release.Version))(t))
	if out, err := unpack.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	lock := exec.CommandContext(t.Context(), filepath.Join(bin, "uv"), "lock", "--no-config", "--no-python-downloads", "--default-index", releases.Index(t.Context()))
	lock.Dir = dir
	lock.Env = append(os.Environ(), "UV_CACHE_DIR="+t.TempDir(), "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt")
	if out, err := lock.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
