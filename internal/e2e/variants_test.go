package e2e

import (
	"archive/tar"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/testenv"
)

// project is a copy of an example, with its own directory and its own repository.
type project struct {
	dir, repository string
	base            string // the shared base if empty
}

// registries maps hosts to the registries that only some tests use.
var registries sync.Map

// ownRegistry moves the project to a registry that no other test uses. A copy of the base is there.
func (p *project) ownRegistry(t *testing.T) *testenv.Registry {
	t.Helper()
	r := must(testenv.StartRegistry(t.Context(), t.TempDir()))(t)
	t.Cleanup(r.Close)
	registries.Store(r.Host, r)
	p.base = must(r.PushBase(t.Context()))(t)
	p.repository = r.Host + strings.TrimPrefix(p.repository, env.registry.Host)
	return r
}

// newProject copies examples/NAME. It uses the shared base.
func newProject(t *testing.T, example string) *project {
	t.Helper()
	p := &project{dir: t.TempDir(), repository: env.registry.Host + "/" + strings.ToLower(t.Name())}
	if err := os.CopyFS(p.dir, os.DirFS(filepath.Join("..", "..", "examples", example))); err != nil {
		t.Fatal(err)
	}
	return p
}

// small returns a project with one dependency and no packages, for tests of something else.
func small(t *testing.T) *project {
	t.Helper()
	p := &project{dir: t.TempDir(), repository: env.registry.Host + "/" + strings.ToLower(strings.ReplaceAll(t.Name(), "=", "_"))}
	write(t, p.dir, "package.json", `{"name":"small","version":"1.0.0","dependencies":{"is-number":"7.0.0"}}`)
	write(t, p.dir, "package-lock.json", lockOf("7.0.0", isNumber7))
	write(t, p.dir, "server.js", "console.log(require('is-number')(1))\n")
	write(t, p.dir, "runtime.yaml", "cmd: [node, server.js]\n")
	return p
}

const (
	isNumber7 = "sha512-41Cifkg6e8TylSpdtTpeLVMqvSBEVzTttHvERD741+pnZ8ANv0004MRL43QKPDlK9cGvNp6NZWZUBlbGXYxxng=="
	isNumber6 = "sha512-Wu1VHeILBK8KAWJUAiSZQX94GmOE45Rg6/538fKwiloUu21KncEkYGPqob2oSZ5mUT73vLGrHQjKw3KMPwfDzg=="
)

// lockOf returns a package-lock.json with a version of is-number. Like npm's omit-lockfile-registry-resolved, it names no registry.
func lockOf(version, integrity string) string {
	return fmt.Sprintf(`{"name":"small","version":"1.0.0","lockfileVersion":3,"requires":true,"packages":{
"":{"name":"small","version":"1.0.0","dependencies":{"is-number":%q}},
"node_modules/is-number":{"version":%q,"integrity":%q,"license":"MIT","engines":{"node":">=0.12.0"}}}}
`, version, version, integrity)
}

// TestDepsOnTwoBuilders checks that the layers of the dependencies are the same blobs on another builder, which has cached nothing.
func TestDepsOnTwoBuilders(t *testing.T) {
	t.Parallel()
	p := small(t)
	p.solve(t)
	again := &project{dir: p.dir, repository: p.repository + "-again", base: p.base}
	again.solve(t, "--addr", freshBuilder(t, testenv.BuilderOptions{}).Addr)
	sameDeps(t, p.plan(t).Images.Lock, again.plan(t).Images.Lock)
}

// sameDeps checks that the layers of the dependencies are the same in two deps images.
func sameDeps(t *testing.T, first, second string) {
	t.Helper()
	one, two := depsLayers(t, first), depsLayers(t, second)
	if len(one) == 0 {
		t.Errorf("%s has no layers of dependencies", first)
	}
	for name, id := range one {
		if two[name] != id {
			t.Errorf("%q is %s, and %s on another builder", name, id, two[name])
		}
	}
}

// depsLayers returns the diff ids of the layers of an image that hold dependencies, by name.
func depsLayers(t *testing.T, ref string) map[string]digest.Digest {
	t.Helper()
	config := image(t, ref).Config
	ids, n := map[string]digest.Digest{}, 0
	for _, h := range config.History {
		if h.EmptyLayer {
			continue
		}
		if (strings.HasPrefix(h.CreatedBy, "[deps] ") || strings.HasPrefix(h.CreatedBy, "[build] npm")) && !strings.Contains(h.CreatedBy, "shells start with") { // which is a step on the image
			ids[h.CreatedBy] = config.RootFS.DiffIDs[n]
		}
		n++
	}
	return ids
}

func (p *project) args(command string, more ...string) []string {
	return append([]string{command, "--base-image", cmp.Or(p.base, env.base), "--repository", p.repository}, more...)
}

func (p *project) solve(t *testing.T, more ...string) result {
	t.Helper()
	return succeed(t, p.dir, p.args("solve", append([]string{"--progress", "plain"}, more...)...)...)
}

// planned is the output of plan --format json.
type planned struct {
	Compiled                                       []string
	Variant, From, Reason, Lock, Versioned, Source string
	Images                                         struct{ Lock, Versioned, Build, Source string }
	Exists                                         map[string]string
	Publish                                        []string
	Notes                                          []string
}

func (p *project) plan(t *testing.T, more ...string) planned {
	t.Helper()
	res := succeed(t, p.dir, p.args("plan", append([]string{"--format", "json"}, more...)...)...)
	var made planned
	if err := json.Unmarshal([]byte(res.stdout), &made); err != nil {
		t.Fatalf("%v in %s", err, res.stdout)
	}
	return made
}

func image(t *testing.T, ref string) *testenv.Image {
	t.Helper()
	ref = strings.TrimSpace(ref)
	return must(registryOf(ref).Image(t.Context(), ref))(t)
}

// registryOf returns the registry of a reference.
func registryOf(ref string) *testenv.Registry {
	host, _, _ := strings.Cut(ref, "/")
	if r, ok := registries.Load(host); ok {
		return r.(*testenv.Registry)
	}
	return env.registry
}

func tree(t *testing.T, ref string) map[string]testenv.Entry {
	t.Helper()
	return must(image(t, ref).Tree(t.Context()))(t)
}

// sameTree compares two images entry by entry.
func sameTree(t *testing.T, a, b map[string]testenv.Entry) {
	t.Helper()
	var differ []string
	for _, name := range slices.Sorted(maps.Keys(a)) {
		if other, ok := b[name]; !ok {
			differ = append(differ, name+": only in the first")
		} else if other != a[name] {
			differ = append(differ, fmt.Sprintf("%s: %+v and %+v", name, a[name], other))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(b)) {
		if _, ok := a[name]; !ok {
			differ = append(differ, name+": only in the second")
		}
	}
	if len(differ) > 0 {
		t.Errorf("%d entries differ:\n%s", len(differ), strings.Join(differ[:min(20, len(differ))], "\n"))
	}
}

// sameConfig compares the configs of two images, as far as they affect a container.
func sameConfig(t *testing.T, a, b *testenv.Image) {
	t.Helper()
	x, y := must(json.Marshal(a.Config.Config))(t), must(json.Marshal(b.Config.Config))(t)
	if string(x) != string(y) {
		t.Errorf("configs differ:\n%s\n%s", x, y)
	}
	if len(a.Manifest.Layers) != len(b.Manifest.Layers) {
		t.Errorf("layers: %d and %d", len(a.Manifest.Layers), len(b.Manifest.Layers))
	}
}

// TestVariants builds a real agent from scratch, without changes, after a source edit, and after a change of dependencies.
func TestVariants(t *testing.T) {
	t.Parallel()
	p := newProject(t, "node-agent")
	registry := p.ownRegistry(t)
	if made := p.plan(t); made.Variant != "scratch" || len(made.Publish) != 3 || made.Publish[2] != made.Images.Source {
		t.Fatalf("the first plan is %+v", made)
	}
	first := p.solve(t)
	if want := p.plan(t).Images.Source + "\n"; first.stdout != want {
		t.Errorf("stdout is %q, want %q", first.stdout, want)
	}
	t.Run("none", func(t *testing.T) {
		if made := p.plan(t); made.Variant != "none" || len(made.Publish) != 0 {
			t.Errorf("the plan is %+v", made)
		}
		// No builder listens at this address: the client must not contact it.
		res := p.solve(t, "--addr", "unix:///nowhere")
		if res.stdout != first.stdout {
			t.Errorf("stdout is %q, want %q", res.stdout, first.stdout)
		}
	})
	t.Run("clean layers", func(t *testing.T) { cleanLayers(t, p) })
	t.Run("answers", func(t *testing.T) { answers(t, p) })
	t.Run("lock", func(t *testing.T) { editSource(t, p, registry) })
	t.Run("versioned", func(t *testing.T) { changeDependency(t, p) })
}

// cleanLayers checks that the image's own layers contain no leftovers of installers.
func cleanLayers(t *testing.T, p *project) {
	img := image(t, p.plan(t).Images.Source)
	for n := range img.Manifest.Layers[1:] {
		err := img.Layer(t.Context(), n+1, func(h *tar.Header, _ io.Reader) error {
			for _, leftover := range []string{
				"var/lib/apt/lists/", "var/cache/apt/", "var/log/apt/", "var/log/dpkg.log", "var/cache/ldconfig/aux-cache", "tmp/", "run/secrets",
				"home/agent/.npm", "var/cache/npm/",
			} {
				if name := strings.TrimPrefix(h.Name, "./"); h.Typeflag != tar.TypeDir && strings.HasPrefix(name, leftover) &&
					!strings.Contains(name, ".wh.") {
					t.Errorf("layer %d holds %s", n+1, name)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// answers starts the image and calls the agent.
func answers(t *testing.T, p *project) {
	p.runs(t, func(url string) {
		if got := call(t, "GET", url+"/healthz", ""); !strings.Contains(got, `"status":"ok"`) {
			t.Errorf("/healthz answers %s", got)
		}
		got := call(t, "POST", url+"/run", `{"command":"id -un; pwd; git --version; touch src/x && rm src/x"}`)
		if !strings.HasPrefix(got, `{"code":0,"output":"agent\n/agent/code\ngit version`) {
			t.Errorf("/run answers %s", got)
		}
	})
}

// runs starts the project's image, and calls visit with the address of its agent.
func (p *project) runs(t *testing.T, visit func(url string)) {
	t.Helper()
	rootfs := filepath.Join(t.TempDir(), "rootfs")
	p.solve(t, "-o", rootfs)
	visit(serves(t, rootfs, image(t, p.plan(t).Images.Source).Config.Config, "PORT=0"))
}

// serves runs a container until the test ends, and returns the URL of its server.
func serves(t *testing.T, rootfs string, config ocispecs.ImageConfig, env ...string) string {
	t.Helper()
	box := must(testenv.Run(context.WithoutCancel(t.Context()), t.TempDir(), rootfs, config, env...))(t)
	t.Cleanup(func() {
		if out, err := box.Stop(); err != nil || t.Failed() {
			t.Logf("%v\n%s", err, out)
		}
	})
	return "http://" + must(box.Listens(t.Context()))(t)
}

func freePort(t *testing.T) string {
	t.Helper()
	l := must(net.Listen("tcp", "127.0.0.1:0"))(t)
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// call makes a request.
func call(t *testing.T, method, url, body string) string {
	t.Helper()
	req := must(http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body)))(t)
	req.Header.Set("Content-Type", "application/json")
	res := must(http.DefaultClient.Do(req))(t)
	defer res.Body.Close()
	return string(must(io.ReadAll(res.Body))(t))
}

// editSource renames a file. The image must contain only the new file, and the deps image must not be pulled.
func editSource(t *testing.T, p *project, registry *testenv.Registry) {
	if err := os.Rename(filepath.Join(p.dir, "src/shell.js"), filepath.Join(p.dir, "src/sh.js")); err != nil {
		t.Fatal(err)
	}
	made := p.plan(t)
	if made.Variant != "lock" || !strings.HasPrefix(made.From, made.Images.Lock+"@sha256:") {
		t.Fatalf("the plan is %+v", made)
	}
	builder := freshBuilder(t, testenv.BuilderOptions{})
	registry.Traffic()
	p.solve(t, "--addr", builder.Addr)
	pulled, pushed, _ := registry.Traffic()
	if pulled > 1<<20 || pushed > 1<<20 {
		t.Errorf("%d bytes pulled, %d pushed, although the deps image is there", pulled, pushed)
	}
	files := tree(t, made.Images.Source)
	if _, ok := files["/agent/code/src/shell.js"]; ok {
		t.Error("the old file is still there")
	}
	if f, ok := files["/agent/code/src/sh.js"]; !ok || f.UID != 1000 || f.Mode != 0o644 {
		t.Errorf("the new file is %+v", f)
	}
	deps, source := image(t, made.Images.Lock), image(t, made.Images.Source)
	if len(source.Manifest.Layers) != len(deps.Manifest.Layers)+1 {
		t.Errorf("%d layers on %d", len(source.Manifest.Layers), len(deps.Manifest.Layers))
	}
}

// changeDependency drops a dependency. The image must equal that of a build from scratch.
func changeDependency(t *testing.T, p *project) {
	edit(t, filepath.Join(p.dir, "package.json"), `"version": "1.0.0"`, `"version": "1.0.0", "author": "somebody"`)
	edit(t, filepath.Join(p.dir, "package-lock.json"), `"version": "1.0.0"`, `"version": "1.0.0" `)
	made := p.plan(t)
	if made.Variant != "versioned" || !strings.HasPrefix(made.From, made.Images.Versioned+"@sha256:") {
		t.Fatalf("the plan is %+v", made)
	}
	p.solve(t)
	if p.plan(t).Variant != "none" {
		t.Error("it is not there")
	}
	again := *p
	again.repository += "-again"
	again.solve(t, "--addr", freshBuilder(t, testenv.BuilderOptions{}).Addr)
	for _, pair := range [][2]string{
		{made.Images.Source, again.plan(t).Images.Source},
		{made.Images.Lock, again.plan(t).Images.Lock},
	} {
		sameTree(t, tree(t, pair[0]), tree(t, pair[1]))
		sameConfig(t, image(t, pair[0]), image(t, pair[1]))
	}
}

func edit(t *testing.T, file, old, new string) {
	t.Helper()
	data := must(os.ReadFile(file))(t)
	if !strings.Contains(string(data), old) {
		t.Fatalf("%s has no %s", file, old)
	}
	if err := os.WriteFile(file, []byte(strings.Replace(string(data), old, new, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
}
