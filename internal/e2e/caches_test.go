package e2e

import (
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/testenv"
	"github.com/rtbuild/rtbuild/llb"
)

// pushBaseWith pushes a Debian base with further programs, and returns its reference.
func pushBaseWith(t *testing.T, name string, files map[string]string, variables ...string) string {
	t.Helper()
	debian, more := must(testenv.Base(t.Context()))(t), must(programs(files))(t)
	config := ocispecs.Image{
		Platform: ocispecs.Platform{OS: "linux", Architecture: runtime.GOARCH},
		Config:   ocispecs.ImageConfig{Env: append([]string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}, variables...)},
	}
	must(env.registry.PushImage(t.Context(), name, "1", config, debian, more))(t)
	return env.registry.Host + "/" + name + ":1"
}

// TestCachesByPublisher checks that bases share a cache only with other bases of the same publisher.
func TestCachesByPublisher(t *testing.T) {
	t.Parallel()
	// The base's npm adds its name to the cache, and copies the names that it finds into the image.
	leave := func(name string) map[string]string {
		return map[string]string{"usr/bin/npm": "#!/bin/sh\nset -eu\nmkdir -p node_modules\ncat /var/cache/npm/left > node_modules/found || true\n" +
			"echo " + name + " >> /var/cache/npm/left\n", "usr/bin/node": "#!/bin/sh\n"}
	}
	tests := []struct {
		base  string
		args  []string
		found string
	}{
		{"a/evil", nil, ""},
		{"b/victim", nil, ""},
		{"a/another", nil, "a/evil\n"},
		{"a/b/below", nil, ""},
		{"a/evil-too", []string{"--cache-namespace", "ci"}, ""},
		{"a/last", []string{"--cache-namespace", "ci"}, "a/evil-too\n"},
	}
	for _, test := range tests {
		t.Run(test.base, func(t *testing.T) {
			p := small(t)
			p.repository = env.registry.Host + "/" + repositoryOf(t)
			write(t, p.dir, "runtime.yaml", "profile: node\nuser: root\npackages: []\ncmd: [node, main.js]\n")
			args := append([]string{"--base-image", pushBaseWith(t, "strangers-"+test.base, leave(test.base), "NODE_VERSION=22.1.0")}, test.args...)
			p.solve(t, args...)
			entry := tree(t, p.plan(t, args[:2]...).Images.Source)["/agent/code/node_modules/found"]
			if want := digest.FromString(test.found); entry.Digest != want {
				t.Errorf("the base found something else than %q in its cache: %+v", test.found, entry)
			}
		})
	}
}

// poisoner is a base's apt-get that replaces the package jq in the cache by a malicious one of the same size.
const poisoner = `#!/bin/sh
set -eu
/usr/bin/apt-get "$@"
good=$(echo /var/cache/apt/archives/jq_*.deb)
[ -e "$good" ] || exit 0
dpkg-deb -R "$good" /tmp/evil
echo "` + evilJQ + `" > /tmp/evil/usr/bin/jq
rm -rf /tmp/evil/usr/share /tmp/evil/DEBIAN/md5sums
dpkg-deb -b /tmp/evil /tmp/evil.deb
# What is missing goes into a member of the archive that dpkg overlooks.
rest=$(($(stat -c %s "$good") - $(stat -c %s /tmp/evil.deb) - 60))
{
  cat /tmp/evil.deb
  printf '%-16s%-12s%-6s%-6s%-8s%-10s` + "`" + `\n' _rest 0 0 0 100644 "$rest"
  head -c "$rest" /dev/zero
} > "$good"
`

const evilJQ = "malicious code in the place of jq"

// TestPoisonedArchive checks that a base cannot poison other builds through apt's cache. apt accepts any cached package of the
// right size.
func TestPoisonedArchive(t *testing.T) {
	t.Parallel()
	evil := pushBaseWith(t, "archives/evil", map[string]string{"usr/local/sbin/apt-get": poisoner})
	victim := pushBaseWith(t, "archives/victim", map[string]string{"opt/nothing": ""})
	build := func(base string) testenv.Entry {
		p := small(t)
		p.repository = env.registry.Host + "/" + repositoryOf(t) + "-" + filepath.Base(strings.TrimSuffix(base, ":1"))
		write(t, p.dir, "runtime.yaml", "profile: node\npackages: [jq]\ndependencies: {manager: none}\nuser: root\ncmd: [node, main.js]\n")
		p.solve(t, "--base-image", base, "--cache-namespace", "archives")
		return tree(t, p.plan(t, "--base-image", base).Images.Source)["/usr/bin/jq"]
	}
	honest := build(evil) // the cache is poisoned after this build's installation
	got := build(victim)
	if got.Digest == digest.FromString(evilJQ+"\n") {
		t.Error("the poisoned package is in the image")
	}
	if got != honest || got.Digest == "" {
		t.Errorf("jq is %+v, want %+v", got, honest)
	}
}

// crcmod is a package without wheels and with an optional C module. The result of its build depends on whether there is a
// compiler.
const (
	crcmodFile = llb.PyPIFiles + "/packages/6b/b0/e595ce2a2527e169c3bcd6c33d2473c1918e0b7f6826a043ca1245dd4e5b/crcmod-1.7.tar.gz"
	crcmodHash = "sha256:dc7051a0db5f2bd48665a990d3ec1cc305a466a77358ca4492826f41f283601e"
)

// builds maps managers to projects that build crcmod.
var builds = map[string]map[string]string{
	"pip": {"requirements.txt": "crcmod==1.7 --hash=" + crcmodHash + "\n"},
	"uv": {
		"pyproject.toml": "[project]\nname = \"builds\"\nversion = \"0.1.0\"\nrequires-python = \">=3.11\"\ndependencies = [\"crcmod==1.7\"]\n",
		"uv.lock": `version = 1
revision = 3
requires-python = ">=3.11"

[[package]]
name = "builds"
version = "0.1.0"
source = { virtual = "." }
dependencies = [{ name = "crcmod" }]

[package.metadata]
requires-dist = [{ name = "crcmod", specifier = "==1.7" }]

[[package]]
name = "crcmod"
version = "1.7"
source = { registry = "` + llb.PyPI + `/simple" }
sdist = { url = "` + crcmodFile + `", hash = "` + crcmodHash + `", size = 89670 }
`,
	},
	"poetry": {
		"pyproject.toml": `[project]
name = "x"
version = "0.1.0"
requires-python = ">=3.11,<4"
dependencies = ["crcmod==1.7"]
[tool.poetry]
package-mode = false
[[tool.poetry.source]]
name = "simple"
url = "` + llb.PyPI + `/simple"
priority = "primary"
`,
		"poetry.lock": `[[package]]
name = "crcmod"
version = "1.7"
description = "CRC Generator"
optional = false
python-versions = "*"
groups = ["main"]
files = [
    {file = "crcmod-1.7.tar.gz", hash = "` + crcmodHash + `"},
]

[package.source]
type = "legacy"
url = "` + llb.PyPI + `/simple"
reference = "simple"

[metadata]
lock-version = "2.1"
python-versions = ">=3.11,<4"
content-hash = "7282371e26d0738a8e5d7e80e5326f56f346d182f105a2f8da04561fed9a3abb"
`,
	},
}

// TestBuiltPackagesAreNotShared checks that a project with a compiler gets the C module, although a project without one has built
// the same package on the same builder. No image has the compiler.
func TestBuiltPackagesAreNotShared(t *testing.T) {
	t.Parallel()
	for _, manager := range []string{"pip", "uv", "poetry"} {
		for _, packages := range []string{"[]", "[gcc, python3-dev]"} {
			t.Run(fmt.Sprint(manager, " with ", packages), func(t *testing.T) {
				p := &project{dir: t.TempDir(), repository: env.registry.Host + "/" + repositoryOf(t)}
				for name, content := range builds[manager] {
					write(t, p.dir, name, content)
				}
				lines := "profile: python\nuser: root\ncmd: [python3, main.py]\n"
				if packages != "[]" {
					lines += "build: {packages: " + packages + "}\n"
				}
				write(t, p.dir, "main.py", "import crcmod\n")
				write(t, p.dir, "runtime.yaml", lines)
				p.solve(t)
				made := p.plan(t)
				if want := manager != "pip"; slices.Contains(made.Compiled, "crcmod 1.7") != want { // pip's file does not say it
					t.Errorf("the plan says that %q are compiled", made.Compiled)
				}
				var found string
				for name := range tree(t, made.Images.Source) {
					if name == "/usr/bin/gcc" {
						t.Error("the image has the compiler")
					}
					if strings.HasPrefix(filepath.Base(name), "_crcfunext") {
						found = name
					}
				}
				if want := packages != "[]"; (found != "") != want {
					t.Errorf("the C module is %q", found)
				}
			})
		}
	}
}
