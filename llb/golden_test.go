package llb_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	bkllb "github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/rtbuild/rtbuild/internal/profile"
	"github.com/rtbuild/rtbuild/internal/profile/releases"
	"github.com/rtbuild/rtbuild/llb"
)

// Goldens of system, tools and deps lie in a directory named by the recipe number and are written only where they do not
// exist yet: who changes these stages raises Recipe. The others are overwritten.
var update = flag.Bool("update", false, "write golden files")

const pinned = "@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

var baseConfig = []byte(`{"architecture":"amd64","os":"linux","config":{"Env":["PATH=/usr/bin:/bin"],"Cmd":["bash"]},` +
	`"rootfs":{"type":"layers","diff_ids":["sha256:1","sha256:2"]},` +
	`"history":[{"created_by":"one"},{"created_by":"nothing","empty_layer":true},{"created_by":"two"}]}`)

func node() *llb.Runtime {
	return &llb.Runtime{
		Profile: "node", Base: "debian:bookworm", Version: "1.0.0", Prefix: "/agent",
		Interpreter: llb.Interpreter{Name: "node", Version: "22"},
		User:        llb.User{Name: "agent", UID: 1000, GID: 1000},
		Packages:    []llb.Packages{{"": {"git", "ca-certificates"}, "apt": {"jq"}, "apk": {"never"}}},
		Installer:   llb.NPM{},
		Releases:    releases.All(),
		Source:      []string{"."},
		Env:         map[string]string{"B": "2", "A": "1"},
		Cmd:         []string{"node", "server.js"},
		Expose:      []string{"8080/tcp"},
	}
}

func python() *llb.Runtime {
	r := node()
	r.Profile, r.Interpreter = "python", llb.Interpreter{Name: "python"}
	r.Installer = llb.Pip{Requirements: "requirements.txt"}
	r.Tools = []llb.Component{uv()}
	return r
}

func uv() llb.Tool {
	return llb.Tool{
		Name: "uv", Version: "0.8.3", URL: "https://example.com/{version}/uv-{arch}.tar.gz", To: "bin",
		SHA256: map[string]string{"amd64": strings.Repeat("b", 64)},
	}
}

// openhands is the profile openhands with components that are on. What it is made of is the profile's data.
func openhands(components ...string) *llb.Runtime {
	r := &profile.Runtime{
		Profile: "openhands", Base: "debian:bookworm", Version: "1.0.0", Prefix: "/openhands",
		Interpreter:  profile.Interpreter{Name: "python", Version: "3.12"},
		User:         profile.User{Name: "openhands", UID: 1000, GID: 1000},
		Packages:     map[string][]string{"": {"git", "ca-certificates"}, "apt": {"jq"}, "apk": {"never"}},
		Components:   map[string]bool{},
		Dependencies: profile.Dependencies{Manager: "poetry", Files: []string{"pyproject.toml", "poetry.lock"}},
		Source:       []profile.Source{{Path: "openhands", Hash: true}, {Path: "pyproject.toml"}},
		Env:          map[string]string{"B": "2", "A": "1"},
		Cmd:          []string{"node", "server.js"},
		Expose:       []string{"8080/tcp"},
	}
	for _, name := range components {
		r.Components[name] = true
	}
	return r.Image()
}

// all are the components of the profile openhands.
var all = []string{"browser", "docker", "editor"}

func graph(r *llb.Runtime) *llb.Graph {
	return &llb.Graph{
		Runtime:   r,
		Platform:  ocispecs.Platform{OS: "linux", Architecture: "amd64"},
		Distro:    llb.ParseOSRelease([]byte("ID=debian\nVERSION_CODENAME=bookworm\nPRETTY_NAME=\"Debian 12\"\n")),
		Base:      llb.ImageFacts{Ref: "docker.io/library/debian:bookworm" + pinned, Config: baseConfig},
		LockFiles: bkllb.Local("lockfiles", bkllb.LocalUniqueID("test")),
		Source:    bkllb.Local("source", bkllb.LocalUniqueID("test")),
		Owner:     llb.Owner{UID: 1000, GID: 1000},
		Epoch:     time.Unix(1700000000, 0).UTC(),
	}
}

func TestGoldenGraphs(t *testing.T) {
	recipe := fmt.Sprintf("recipe-%d", llb.Recipe)
	onDeps := func(r *llb.Runtime) *llb.Graph {
		g := graph(r)
		g.Base.Ref = "registry.example.com/agent:lock" + pinned
		return g
	}
	foreign := onDeps(openhands(all...))
	foreign.OldSource = true
	versioned := func(r *llb.Runtime) *llb.Graph {
		g := onDeps(r)
		g.Base.Layers = 2
		return g
	}
	ubuntu := graph(openhands())
	ubuntu.Distro = llb.ParseOSRelease([]byte("ID=ubuntu\nID_LIKE=debian\nVERSION_CODENAME=noble\n"))
	ubuntu.Base.PackageSources = []string{"http://archive.ubuntu.com/ubuntu", "http://security.ubuntu.com/ubuntu"}
	ubuntu.Runtime.Mirrors = map[string]string{"https://pypi.org": "https://mirror.example.com/pypi", "http://archive.ubuntu.com/ubuntu": "https://mirror.example.com/ubuntu"}
	managed := func(installer llb.Installer) *llb.Graph {
		r := python()
		r.Tools, r.Packages, r.Installer = nil, nil, installer
		return graph(r)
	}
	built := node()
	built.Build = &llb.Build{Run: []string{"/bin/sh", "-c", "npm run build"}, Env: map[string]string{"CI": "1"}, Without: []string{"**/node_modules"}}
	built.BuildPackages = llb.Packages{"": {"g++"}}
	built.InstallEnv = map[string]string{"SHARP_IGNORE_GLOBAL_LIBVIPS": "1", "CXXFLAGS": "-O1"}
	compiled := managed(llb.UVSync{})
	compiled.Runtime.BuildPackages = llb.Packages{"": {"gcc", "python3-dev"}}
	standalone := managed(llb.UVSync{})
	standalone.Runtime.Interpreter = llb.Interpreter{Name: "python", Range: ">=3.13", Pinned: "3.13.18+20261110"}
	withBuilt := onDeps(built)
	made := bkllb.Scratch().File(bkllb.Mkdir("/dist", 0o755), bkllb.WithCustomName("what was made"))
	withBuilt.Built = &made
	ofSource := managed(llb.UVSync{})
	ofSource.Runtime.Project = []llb.Distribution{{
		Name: "own", Version: "1", Metadata: "Name: own\n", EntryPoints: map[string]map[string]string{llb.ConsoleScripts: {"own": "own.cli:main"}}, Dir: ".", Roots: []string{"src"},
	}}
	ofPip := managed(llb.Pip{Requirements: "requirements.txt", LeftOut: map[string][]int{"requirements.txt": {1, 3}}})
	onNode := func(installer llb.Installer) *llb.Graph {
		r := node()
		r.Packages, r.Installer = nil, installer
		return graph(r)
	}
	mirrored := func(g *llb.Graph) *llb.Graph {
		g.Runtime.Mirrors = map[string]string{llb.Sites()["npm"].Addresses[0]: "https://mirror.example.com/npm"}
		return g
	}
	building := func(g *llb.Graph) *llb.Graph {
		g.Runtime.Build = &llb.Build{Run: []string{"pnpm", "build"}}
		return g
	}
	extra := node()
	extra.Extra = "touch extra"

	tests := []struct {
		name  string
		dir   string
		graph *llb.Graph
		list  func(*llb.Graph) (llb.Layers, error)
	}{
		{"scratch-node", recipe, graph(node()), fromScratch},
		{"scratch-python", recipe, graph(python()), fromScratch},
		{"scratch-openhands", recipe, graph(openhands(all...)), fromScratch},
		{"scratch-openhands-small-ubuntu", recipe, ubuntu, fromScratch},
		{"versioned-openhands", recipe, versioned(openhands(all...)), (*llb.Graph).Versioned},
		{"scratch-python-poetry", recipe, managed(llb.Poetry{}), fromScratch},
		{"scratch-node-pnpm", recipe, onNode(llb.PNPM{Version: "10"}), fromScratch},
		{"scratch-node-pnpm-mirror", recipe, mirrored(onNode(llb.PNPM{Version: "9"})), fromScratch},
		{"scratch-python-uv-compiler", recipe, compiled, fromScratch},
		{"scratch-python-uv", recipe, managed(llb.UVSync{}), fromScratch},
		{"scratch-python-standalone", recipe, standalone, fromScratch},
		{"scratch-python-project", recipe, ofSource, fromScratch},
		{"scratch-python-pip-project", recipe, ofPip, fromScratch},
		{"versioned-node", recipe, versioned(node()), (*llb.Graph).Versioned},
		{"versioned-python", recipe, versioned(python()), (*llb.Graph).Versioned},
		{"scratch-node-build", recipe, graph(built), fromScratch},
		{"build-image-node", recipe, graph(built), buildImage},
		{"scratch-node-pnpm-12", recipe, onNode(llb.PNPM{Version: "12"}), fromScratch},
		{"scratch-node-bun", recipe, mirrored(onNode(llb.Bun{Version: "1"})), fromScratch},
		{"scratch-node-yarn", recipe, mirrored(onNode(llb.Yarn{Version: "1"})), fromScratch},
		{"scratch-node-yarn-berry", recipe, mirrored(onNode(llb.Yarn{Version: "4.18"})), fromScratch},
		{"build-image-node-pnpm", recipe, building(onNode(llb.PNPM{Version: "11"})), buildImage},
		{"versioned-build-image-node", recipe, versioned(built), (*llb.Graph).BuildLayers},
		{"lock-node-build", "source", withBuilt, onLock},
		{"lock-node", "source", onDeps(node()), onLock},
		{"lock-python", "source", onDeps(python()), onLock},
		{"lock-openhands-foreign", "source", foreign, onLock},
		{"lock-openhands", "source", onDeps(openhands(all...)), onLock},
		{"lock-extra", "source", onDeps(extra), onLock},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			state, _ := draw(t, test.graph, test.list)
			compareGolden(t, filepath.Join("testdata", test.dir, test.name+".txt"), test.dir == recipe, describe(t, state))
		})
	}
}

func fromScratch(g *llb.Graph) (llb.Layers, error) { return g.UpTo(llb.StageDeps) }

func buildImage(g *llb.Graph) (llb.Layers, error) {
	tools, err := g.UpTo(llb.StageTools)
	if err != nil {
		return nil, err
	}
	build, err := g.BuildLayers()
	return append(tools, build...), err
}

// TestTestGraph compares what runs the tests of an image.
func TestTestGraph(t *testing.T) {
	process := llb.Process{Command: []string{"node", "server.js"}, User: "agent", Workdir: "/agent/code"}
	for name, test := range map[string]llb.Test{
		"command": {Run: []string{"/bin/sh", "-c", "echo 'a b'"}, Exit: 3, Stdout: "it's", User: "root", Network: true, Timeout: 5},
		"address": {Address: "http://127.0.0.1:8080/health"},
	} {
		t.Run(name, func(t *testing.T) {
			got := describe(t, graph(node()).RunTest(bkllb.Image("registry.example.com/agent:source"+pinned), test, process))
			compareGolden(t, filepath.Join("testdata", "source", "test-"+name+".txt"), false, got)
		})
	}
}

// TestBuildCommandGraph compares what runs a build command, with the network and without, and what takes its outputs.
func TestBuildCommandGraph(t *testing.T) {
	for name, b := range map[string]*llb.Build{
		"command":         {Run: []string{"/bin/sh", "-c", "npm run build"}, Env: map[string]string{"CI": "1"}, Without: []string{"**/node_modules"}},
		"command-network": {Run: []string{"make", "a b"}, Outputs: []string{"dist"}, Network: true},
	} {
		t.Run(name, func(t *testing.T) {
			r := node()
			r.Build, r.InstallEnv = b, map[string]string{"CXXFLAGS": "-O1"}
			g := graph(r)
			g.Args = map[string]string{"COMMIT": "abc"}
			got := describe(t, g.BuildOutputs(bkllb.Image("registry.example.com/agent:build"+pinned)))
			compareGolden(t, filepath.Join("testdata", "source", "build-"+name+".txt"), false, got)
		})
	}
}

func onLock(g *llb.Graph) (llb.Layers, error) { return g.SourceLayers(), nil }

// draw gives a graph's image and its layers.
func draw(t *testing.T, g *llb.Graph, list func(*llb.Graph) (llb.Layers, error)) (bkllb.State, llb.Layers) {
	t.Helper()
	layers, err := list(g)
	if err != nil {
		t.Fatal(err)
	}
	state, err := g.Draw(layers)
	if err != nil {
		t.Fatal(err)
	}
	return state, layers
}

func compareGolden(t *testing.T, file string, fixed bool, got string) {
	t.Helper()
	got = strings.ReplaceAll(got, llb.PyPI, "PYPI") // constants alone name public indexes
	want, err := os.ReadFile(file)
	if *update && (!fixed || errors.Is(err, fs.ErrNotExist)) {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		hint := "run go test ./llb -update"
		if fixed {
			hint = "the recipe of system, tools or deps has changed: raise bkllb.Recipe, then run go test ./llb -update"
		}
		t.Errorf("%s differs (%s):\n%s", file, hint, diff)
	}
}

// describe lists a graph's operations in the order of their inputs, with the names that the progress shows.
func describe(t *testing.T, state bkllb.State) string {
	t.Helper()
	def, err := state.Marshal(context.Background(), bkllb.Platform(ocispecs.Platform{OS: "linux", Architecture: "amd64"}))
	if err != nil {
		t.Fatal(err)
	}
	index := map[string]int{}
	var text strings.Builder
	for i, data := range def.Def {
		var op pb.Op
		if err := op.Unmarshal(data); err != nil {
			t.Fatal(err)
		}
		dgst := digest.FromBytes(data)
		index[dgst.String()] = i
		fmt.Fprintf(&text, "== %d %s\n", i, def.Metadata[dgst].Description["llb.customname"])
		for _, in := range op.Inputs {
			fmt.Fprintf(&text, "input %d.%d\n", index[in.Digest], in.Index)
		}
		op.Inputs = nil
		text.WriteString(render(t, &op))
	}
	return text.String()
}

func render(t *testing.T, op *pb.Op) string {
	t.Helper()
	var below strings.Builder
	for _, action := range op.GetFile().GetActions() {
		if file := action.GetMkfile(); file != nil {
			below.WriteString(string(file.Data) + "--\n")
			file.Data = []byte("(below)")
		}
	}
	return encode(t, op) + below.String()
}

func encode(t *testing.T, op *pb.Op) string {
	t.Helper()
	data, err := protojson.Marshal(op)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer // protojson's white space differs from run to run
	if err := json.Indent(&out, data, "", " "); err != nil {
		t.Fatal(err)
	}
	return out.String() + "\n"
}
