//go:build projects

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/rtbuild/rtbuild/internal/testenv"
)

// matrix are the projects of examples/matrix, one for each package manager and trait, and the file of each that an edit changes.
var matrix = []struct{ dir, edited string }{
	{"npm", "server.js"}, {"npm-shrinkwrap", "server.js"}, {"npm-workspaces", "packages/lib/index.js"}, {"file-tarball", "server.js"},
	{"patch-package", "server.js"}, {"mcp-stdio", "server.js"}, {"native-prebuilt", "server.js"}, {"native-compiled", "server.js"},
	{"pnpm", "server.js"}, {"pnpm-workspace", "packages/lib/index.js"}, {"yarn-classic", "server.js"}, {"yarn-berry", "server.js"},
	{"yarn-pnp", "server.js"}, {"bun", "server.js"},
	{"typescript", "src/server.ts"}, {"esbuild", "src/server.ts"}, {"vite", "main.js"}, {"nextjs", "app/page.jsx"},
	{"pip-hashes", "server.py"}, {"pip-c-module", "server.py"}, {"uv", "server.py"}, {"uv-workspace", "packages/lib/src/matrix_lib/__init__.py"},
	{"poetry", "server.py"}, {"python-mcp", "src/matrix_mcp/__init__.py"},
}

// figures are of one way to build a project.
type figures struct {
	why           string // it does not build, or does not start
	size          int64
	scratch, edit time.Duration // a build on a fresh builder, and the fastest of three after edits of the source
}

// TestMatrix builds each project on a fresh builder, with its runtime file and with its Dockerfile, then starts both images, edits the
// source, and builds again. It prints a table, line by line.
func TestMatrix(t *testing.T) {
	fmt.Printf("%-16s %-6s %21s  %19s  %20s  %s\n", "project", "starts", "image, MB", "scratch, s", "source edit, s", "missed")
	for _, p := range matrix {
		t.Run(p.dir, func(t *testing.T) {
			ours, theirs := withRuntimeFile(t, p.dir, p.edited), withDockerfile(t, p.dir, p.edited)
			for who, f := range map[string]figures{"rtbuild": ours, "the Dockerfile": theirs} {
				if f.why != "" {
					t.Errorf("%s: %s", who, f.why)
				}
			}
			fmt.Print(matrixRow(p.dir, ours, theirs))
		})
	}
}

// matrixRow compares rtbuild with the Dockerfile: both figures, and ours divided by theirs.
func matrixRow(dir string, ours, theirs figures) string {
	megabytes := func(f figures) float64 { return float64(f.size) / 1e6 }
	scratch := func(f figures) float64 { return f.scratch.Seconds() }
	edit := func(f figures) float64 { return f.edit.Seconds() }
	atMost := 0.5 // after an edit
	if projectBuilds(dir) {
		atMost = 0.7
	}
	row := fmt.Sprintf("%-16s %-6s", dir, map[bool]string{true: "both", false: "no"}[ours.why+theirs.why == ""])
	var missed []string
	for _, column := range []struct {
		name   string
		of     func(figures) float64
		atMost float64
	}{{"size", megabytes, 1.03}, {"scratch", scratch, 1}, {"edit", edit, atMost}} {
		ratio := column.of(ours) / column.of(theirs)
		row += fmt.Sprintf("  %6.2f %6.2f %4.2f", column.of(ours), column.of(theirs), ratio)
		if !(ratio <= column.atMost) {
			missed = append(missed, column.name)
		}
	}
	return row + "  " + strings.Join(missed, ", ") + "\n"
}

// projectBuilds reports whether the image of a project needs a build command.
func projectBuilds(dir string) bool {
	return slices.Contains([]string{"typescript", "esbuild", "vite", "nextjs"}, dir)
}

// matrixProject copies a project of the matrix, with the lock file that names this machine's index.
func matrixProject(t *testing.T, dir, name string) *project {
	t.Helper()
	p := &project{dir: t.TempDir(), repository: env.registry.Host + "/" + repositoryOf(t) + "-" + name}
	if err := os.CopyFS(p.dir, os.DirFS(filepath.Join("../../examples/matrix", dir))); err != nil {
		t.Fatal(err)
	}
	lockUV(t, p.dir)
	return p
}

// withRuntimeFile builds a project with rtbuild. Its tests start the image.
func withRuntimeFile(t *testing.T, dir, edited string) (f figures) {
	t.Helper()
	p := matrixProject(t, dir, "ours")
	p.base = matrixBase(t, p.baseName(t))
	to := []string{"--addr", freshBuilder(t, testenv.BuilderOptions{}).Addr, "--progress", "plain"}
	untested := append(to, "--no-test")
	took, res := timed(func() result { return client(t, p.dir, p.args("solve", untested...)...) })
	if f.scratch = took; res.code != 0 {
		f.why = "it does not build:\n" + res.stderr
		return f
	}
	f.size = image(t, p.plan(t, "--no-test").Images.Source).Size()
	if res := client(t, p.dir, p.args("solve", to...)...); res.code != 0 {
		f.why = "it does not start:\n" + res.stderr
	}
	p.afterEdits(t, &f, edited, func() result { return client(t, p.dir, p.args("solve", untested...)...) })
	return f
}

// withDockerfile builds a project with its Dockerfile, and starts the image in a further step.
func withDockerfile(t *testing.T, dir, edited string) (f figures) {
	t.Helper()
	p := matrixProject(t, dir, "dockerfile")
	builder := newBuildx(t, freshBuilder(t, testenv.BuilderOptions{}))
	ref := p.repository + ":latest"
	args := []string{"build", "--progress", "plain", "--provenance=false", "--output", "type=image,push=true,name=" + ref, p.dir}
	text := string(must(os.ReadFile(filepath.Join(p.dir, "Dockerfile")))(t))
	for name := range matrixBases {
		if strings.Contains(text, name) {
			args = slices.Insert(args, 1, "--build-context", name+"=docker-image://"+matrixBase(t, name))
		}
	}
	took, res := timed(func() result { return buildxOn(t, builder, p.dir, args...) })
	if f.scratch = took; res.code != 0 {
		f.why = "it does not build:\n" + res.stderr
		return f
	}
	built := image(t, ref)
	f.size = built.Size()
	started := t.TempDir()
	write(t, started, "Dockerfile", "FROM "+ref+"\n"+p.startSteps(t, built.Config.Config.Cmd))
	if res := buildxOn(t, builder, started, "build", "--progress", "plain", started); res.code != 0 {
		f.why = "it does not start:\n" + res.stderr
	}
	p.afterEdits(t, &f, edited, func() result { return buildxOn(t, builder, p.dir, args...) })
	return f
}

// afterEdits edits a file three times, builds each time, and keeps the shortest time.
func (p *project) afterEdits(t *testing.T, f *figures, edited string, build func() result) {
	t.Helper()
	words := []string{"hello", "edited", "again", "last"}
	for i, word := range words[1:] {
		edit(t, filepath.Join(p.dir, edited), words[i], word)
		took, res := timed(build)
		if res.code != 0 {
			f.why = "it does not build after an edit:\n" + res.stderr
		}
		if f.edit == 0 || took < f.edit {
			f.edit = took
		}
	}
}

// timed returns how long a program takes, and its result.
func timed(run func() result) (time.Duration, result) {
	began := time.Now()
	res := run()
	return time.Since(began), res
}

// matrixFile is what is read of a project's runtime file.
type matrixFile struct {
	Base string
	Test []struct{ Run, Stdout, Address string }
}

func (p *project) matrixFile(t *testing.T) (file matrixFile) {
	t.Helper()
	if err := yaml.Unmarshal(must(os.ReadFile(filepath.Join(p.dir, "runtime.yaml")))(t), &file); err != nil {
		t.Fatal(err)
	}
	return file
}

// baseName returns the base of a project's runtime file.
func (p *project) baseName(t *testing.T) string {
	t.Helper()
	return p.matrixFile(t).Base
}

// Loops that wait for an address, in both languages.
const (
	askNode   = `const ask = left => fetch(%q).then(r => process.exit(r.ok ? 0 : 1), e => left ? setTimeout(ask, 100, left - 1) : process.exit(1)); ask(300)`
	askPython = "import sys, time, urllib.request\nfor _ in range(300):\n    try:\n        urllib.request.urlopen(%q)\n        sys.exit(0)\n    except OSError:\n        time.sleep(0.1)\nsys.exit(1)"
)

// startSteps returns the tests of the runtime file as steps of a Dockerfile on the image of that command.
func (p *project) startSteps(t *testing.T, command []string) string {
	t.Helper()
	steps := ""
	step := func(words ...string) { steps += "RUN --network=none " + string(must(json.Marshal(words))(t)) + "\n" }
	for _, test := range p.matrixFile(t).Test {
		ask := []string{"node", "-e", fmt.Sprintf(askNode, test.Address)}
		if strings.HasPrefix(p.baseName(t), "python") {
			ask = []string{"python", "-c", fmt.Sprintf(askPython, test.Address)}
		}
		if test.Address != "" { // the asking program and the image's own command share a step
			step(append([]string{"sh", "-c", `"$1" "$2" "$3" & asked=$!; shift 3; "$@" & wait $asked`, "start"}, append(ask, command...)...)...)
			continue
		}
		step("sh", "-c", test.Run+` | tee /dev/stderr | grep -qF "$1"`, "start", test.Stdout)
	}
	return steps
}
