package e2e

import (
	"cmp"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/rtbuild/rtbuild/internal/testenv"
	"github.com/rtbuild/rtbuild/llb"
)

// nodeProjects are projects of package managers of Node.js beside npm, in testdata/node. The project's own install scripts fail.
var nodeProjects = []struct {
	dir     string
	command string          // of the image
	prints  string          // the command
	files   map[string]bool // below the code directory: whether the image has them
}{
	{"pnpm-single", "npm start --silent", "true", map[string]bool{
		"node_modules/.pnpm/dep@file+vendor+dep.tgz/node_modules/dep/ran": true, "node_modules/is-odd": true, "node_modules/left-pad": false,
		"node_modules/.modules.yaml": true, "node_modules/.pnpm": true,
	}},
	{"pnpm", "node app/index.js", "patched,true, built", map[string]bool{
		"ran": false, "node_modules/left-pad": false, "node_modules/.pnpm/is-odd@3.0.1/node_modules/is-odd": true,
		"node_modules/.pnpm/dep@file+vendor+dep.tgz/node_modules/dep/ran":       true,
		"node_modules/.pnpm/quiet@file+vendor+quiet.tgz/node_modules/quiet/ran": false, // not in onlyBuiltDependencies
		"node_modules/.bin/app": true, "lib/node_modules/is-number": true, "node_modules/.pnpm-workspace-state-v1.json": false,
	}},
	{"pnpm-12", "node app/index.js", "patched,true", map[string]bool{
		"node_modules/.pnpm/dep@file+vendor+dep.tgz/node_modules/dep/ran": true, "node_modules/.bin/app": true, "lib/node_modules/is-number": true,
	}},
	{"yarn", "node app/index.js", "true", map[string]bool{
		"node_modules/dep/ran": true, "node_modules/left-pad": false, "node_modules/is-odd/node_modules/is-number": true,
		"node_modules/app": true, "node_modules/.yarn-integrity": false,
	}},
	{"yarn-berry", "node app/index.js", "patched,true", map[string]bool{
		"node_modules/dep/ran": true, "node_modules/left-pad": false, "node_modules/is-number": true, "node_modules/app": true,
		".pnp.cjs": false, ".yarn/install-state.gz": false,
	}},
	{"bun", "node app/index.js", "patched,true", map[string]bool{
		"node_modules/.bun/dep@vendor+dep.tgz+577b61edb580a64f/node_modules/dep/ran":       true,
		"node_modules/.bun/quiet@vendor+quiet.tgz+7096295a7a34c9cc/node_modules/quiet/ran": false, // not in trustedDependencies
		"node_modules/dep": true, "node_modules/.bun/left-pad@1.3.0": false, "lib/node_modules/is-number": true,
	}},
}

// nodeProject returns a copy of a project in testdata/node, with the archives that its lock file names: packages whose install script writes
// the file ran.
func nodeProject(t *testing.T, dir string) *project {
	t.Helper()
	p := &project{dir: t.TempDir(), repository: env.registry.Host + "/" + strings.ToLower(t.Name())}
	if err := os.CopyFS(p.dir, os.DirFS(filepath.Join("testdata", "node", dir))); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(p.dir, "vendor"), os.DirFS(filepath.Join("testdata", "node", "vendor"))); err != nil {
		t.Fatal(err)
	}
	return p
}

// mirrored adds a mirror of npm's registry to the project's runtime file.
func (p *project) mirrored(t *testing.T, address string) {
	t.Helper()
	file := filepath.Join(p.dir, "runtime.yaml")
	text, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	write(t, p.dir, "runtime.yaml", string(text)+"network: {mirrors: {npm: '"+address+"'}}\n")
}

// npmMirror passes requests on to npm's registry, and records which files it gave.
type npmMirror struct {
	*httptest.Server
	mu    sync.Mutex
	files map[string]bool // by name
}

func serveNPM(t *testing.T) *npmMirror {
	t.Helper()
	registry := must(url.Parse(cmp.Or(os.Getenv("NPM_CONFIG_REGISTRY"), llb.Sites()["npm"].Addresses[0])))(t)
	m := &npmMirror{files: map[string]bool{}}
	pass := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(registry) },
		ModifyResponse: func(r *http.Response) error {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.files[path.Base(r.Request.URL.Path)] = r.StatusCode == http.StatusOK
			return nil
		},
	}
	m.Server = httptest.NewServer(pass)
	t.Cleanup(m.Close)
	return m
}

// gave reports whether a file was asked for since the last call, and given.
func (m *npmMirror) gave(name string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	given := m.files[name]
	delete(m.files, name)
	return given
}

// TestNodeManagers installs with the real package managers. The images start. Another builder makes the same layers, through a mirror.
func TestNodeManagers(t *testing.T) {
	t.Parallel()
	mirror := serveNPM(t)
	second := freshBuilder(t, testenv.BuilderOptions{})
	for _, test := range nodeProjects {
		t.Run(test.dir, func(t *testing.T) {
			p := nodeProject(t, test.dir)
			p.solve(t)
			made := p.plan(t).Images
			built := tree(t, made.Source)
			for name, want := range test.files {
				if _, found := built["/agent/code/"+name]; found != want {
					t.Errorf("%s: found: %t", name, found)
				}
			}
			container := filepath.Join(t.TempDir(), "container")
			out, err := exec.CommandContext(t.Context(), "../../hack/run-image", made.Source, container, "--", "/bin/sh", "-c", test.command).CombinedOutput()
			if err != nil || strings.TrimSpace(string(out)) != test.prints {
				t.Errorf("%v: it printed\n%s", err, out)
			}
			again := nodeProject(t, test.dir)
			again.repository += "-again"
			again.mirrored(t, mirror.URL)
			again.solve(t, "--addr", second.Addr)
			sameDeps(t, made.Lock, again.plan(t).Images.Lock)
			if !mirror.gave("is-odd-3.0.1.tgz") {
				t.Error("is-odd did not come from the mirror")
			}
		})
	}
}

// TestYarnOutOfStep edits the manifest of a workspace member, which yarn 1 itself does not notice. It is said before the build, and if that
// check is skipped, by a step.
func TestYarnOutOfStep(t *testing.T) {
	t.Parallel()
	p := nodeProject(t, "yarn")
	edit(t, filepath.Join(p.dir, "lib/package.json"), `"is-odd":"3.0.1"`, `"is-odd":"3.0.0"`)
	p.fails(t, 1, `lib/package.json:1: yarn.lock does not agree with lib/package.json: is-odd is "3.0.0", but is not in the lock file: run yarn install, and commit both`)
	write(t, p.dir, "runtime.yaml", "# check=skip=LockOutOfStep\n")
	res := p.fails(t, 1, "")
	if want := "yarn.lock lacks is-odd@3.0.0, which lib/package.json asks for"; !strings.Contains(res.stderr, want) {
		t.Errorf("%q is not in\n%s", want, res.stderr)
	}
	p.unpublished(t)
}
