package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rtbuild/rtbuild/internal/testenv"
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
	{"yarn", "node app/index.js", "true", map[string]bool{
		"node_modules/dep/ran": true, "node_modules/left-pad": false, "node_modules/is-odd/node_modules/is-number": true,
		"node_modules/app": true, "node_modules/.yarn-integrity": false,
	}},
	{"yarn-berry", "node app/index.js", "patched,true", map[string]bool{
		"node_modules/dep/ran": true, "node_modules/left-pad": false, "node_modules/is-number": true, "node_modules/app": true,
		".pnp.cjs": false, ".yarn/install-state.gz": false,
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

// TestNodeManagers installs with the real package managers. The images start, and two builders make the same layers.
func TestNodeManagers(t *testing.T) {
	t.Parallel()
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
			again := &project{dir: p.dir, repository: p.repository + "-again"}
			again.solve(t, "--addr", second.Addr)
			sameDeps(t, made.Lock, again.plan(t).Images.Lock)
		})
	}
}
