package e2e

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/testenv"
)

// computed is the output with which the names, too, are computed in the builder.
const computed = `type=image,"name=*",push=true,oci-mediatypes=true`

// publishes has the frontend build and publish into a repository, and wants a variant.
func (p *project) publishes(t *testing.T, variant, repository string, more ...string) {
	t.Helper()
	res := p.buildx(t, append([]string{"-o", computed, "--build-arg", "REPOSITORY=" + repository}, more...)...)
	if !strings.Contains(res.stderr, "[plan] "+variant+": ") {
		t.Errorf("the variant is not %s:\n%s", variant, res.stderr)
	}
}

// solves has the client do the same. The base is the file's.
func (p *project) solves(t *testing.T, variant, repository string, more ...string) {
	t.Helper()
	args := append([]string{"solve", "--progress", "plain", "--repository", repository}, more...)
	if res := succeed(t, p.dir, args...); !strings.HasPrefix(res.stderr, variant+": ") {
		t.Errorf("the variant is not %s:\n%s", variant, res.stderr)
	}
}

// names are the references of the images in a repository, as the client computes them.
func (p *project) names(t *testing.T, repository string) planned {
	t.Helper()
	return decode[planned](t, succeed(t, p.dir, "tags", "--format", "json", "--repository", repository).stdout)
}

// sameDigest wants two references to point to one manifest.
func sameDigest(t *testing.T, what, one, other string) {
	t.Helper()
	a, b := image(t, one), image(t, other)
	if a.Digest == b.Digest {
		return
	}
	t.Errorf("%s: %s is %s, %s is %s\n%s\n%s", what, one, a.Digest, other, b.Digest, a.RawConfig(), b.RawConfig())
}

// agentTree is a project that client and frontend build.
type agentTree struct {
	name string
	make func(t *testing.T) (p *project, args []string)
	edit string                         // a source file
	deps func(t *testing.T, dir string) // changes the lock files; nil if there are none
}

// TestFrontendSameImages: client and frontend give the same manifests for the same input, under the same names.
func TestFrontendSameImages(t *testing.T) {
	trees := []agentTree{
		{"odd", oddTree, "lib/main.js", func(t *testing.T, dir string) {
			edit(t, filepath.Join(dir, "package.json"), `"version":"1.0.0"`, `"version":"1.0.0","author":"x"`)
		}},
		{"node-agent", nodeAgent, "src/shell.js", func(t *testing.T, dir string) {
			edit(t, filepath.Join(dir, "package.json"), `"version": "1.0.0"`, `"version": "1.0.0", "author": "x"`)
		}},
		{"python-agent", pythonAgent, "agent.py", func(t *testing.T, dir string) {
			edit(t, filepath.Join(dir, "requirements.txt"), "waitress==2.1.2\n", "")
		}},
	}
	for _, tree := range trees {
		t.Run(tree.name, tree.test)
	}
}

func (tree agentTree) test(t *testing.T) {
	p, args := tree.make(t)
	clients, frontends := p.repository, p.repository+"-frontend"
	p.solves(t, "scratch", clients, args...)
	want, got := p.names(t, clients).Images, p.names(t, frontends).Images
	t.Run("scratch", func(t *testing.T) {
		p.publishes(t, "scratch", frontends, args...)
		sameDigest(t, "source", want.Source, got.Source)
	})
	t.Run("deps", func(t *testing.T) {
		p.publishes(t, "scratch", frontends, append(args, "--target", "deps")...)
		sameDigest(t, "lock", want.Lock, got.Lock)
		sameDigest(t, "versioned", want.Versioned, got.Versioned)
	})
	t.Run("lock", func(t *testing.T) {
		write(t, p.dir, tree.edit, "edited\n")
		p.solves(t, "lock", clients, args...)
		p.publishes(t, "lock", frontends, args...)
		want, got := p.names(t, clients).Images, p.names(t, frontends).Images
		sameDigest(t, "source", want.Source, got.Source)
	})
	t.Run("none", func(t *testing.T) {
		res := p.buildx(t, "-o", "type=image,push=true,oci-mediatypes=true,name="+frontends+":again", "--build-arg", "REPOSITORY="+frontends)
		if !strings.Contains(res.stderr, "[plan] none: ") {
			t.Errorf("it is built again:\n%s", res.stderr)
		}
		sameDigest(t, "source", p.names(t, clients).Images.Source, frontends+":again")
	})
	t.Run("versioned", func(t *testing.T) {
		tree.deps(t, p.dir)
		p.solves(t, "versioned", clients, args...)
		p.publishes(t, "versioned", frontends, args...)
		want, got := p.names(t, clients).Images, p.names(t, frontends).Images
		sameDigest(t, "source", want.Source, got.Source)
		p.publishes(t, "versioned", frontends, append(args, "--target", "deps")...)
		sameDigest(t, "lock", want.Lock, got.Lock)
	})
}

// oddTree has links, programs, names of all kinds, files that no tag covers, and some that are left out.
func oddTree(t *testing.T) (*project, []string) {
	p := withDependencies(t, "source: [{path: lib}, {path: data, hash: false}, {path: .hidden}]")
	for name, content := range map[string]string{
		"lib/main.js": "// main\n", "lib/with space.js": "", "lib/ünï.txt": "u\n", "lib/-rf": "-\n", "lib/a'b\"c$d.txt": "q\n", "lib/[x]*.txt": "g\n",
		"lib/back\\slash": "b\n", "lib/deep/er/still/x": "x\n", "lib/left.log": "out\n", "data/big": strings.Repeat("x", 1<<20), ".hidden/x": "h\n",
		"outside/linked": "l\n", ".dockerignore": "**/*.log\n",
	} {
		write(t, p.dir, name, content)
	}
	if err := os.Chmod(filepath.Join(p.dir, "lib", "main.js"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(p.dir, "lib", "empty"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{"lib/link": "main.js", "lib/up": "../data", "lib/far": "../outside/linked", "data/dir": "../lib/deep"} {
		if err := os.Symlink(to, filepath.Join(p.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return p, nil
}

// example is a copy of an example for the frontend, on the shared Debian.
func example(t *testing.T, name string) *project {
	t.Helper()
	p := newProject(t, name)
	p.repository = env.registry.Host + "/" + repositoryOf(t)
	file := filepath.Join(p.dir, "runtime.yaml")
	edit(t, file, "base: debian:bookworm\n", "base: "+env.base+"\nrepository: "+p.repository+"\n")
	write(t, p.dir, "runtime.yaml", "# syntax="+frontendRef(t)+"\n"+string(must(os.ReadFile(file))(t)))
	return p
}

func nodeAgent(t *testing.T) (*project, []string) { return example(t, "node-agent"), nil }

func pythonAgent(t *testing.T) (*project, []string) {
	wheels := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "../../hack/wheels", wheels, "python3-bottle", "python3-waitress").CombinedOutput(); err != nil {
		t.Fatalf("hack/wheels: %v\n%s", err, out)
	}
	index := httptest.NewServer(http.FileServer(http.Dir(wheels)))
	t.Cleanup(index.Close)
	conf := filepath.Join(t.TempDir(), "pip.conf")
	write(t, filepath.Dir(conf), "pip.conf", "[global]\nindex-url = "+index.URL+"/simple/\n")
	return example(t, "python-agent"), []string{"--secret", "id=pip.conf,src=" + conf}
}

// TestFrontendOtherBuilders: on builders that have seen nothing, client and frontend lay the same source over a deps image,
// and pull none of it.
func TestFrontendOtherBuilders(t *testing.T) {
	p, _ := oddTree(t)
	p.publishes(t, "scratch", p.repository, "--target", "deps")
	ref := frontendRef(t)
	one, two := freshBuilder(t, testenv.BuilderOptions{}), freshBuilder(t, testenv.BuilderOptions{})
	size := image(t, p.names(t, p.repository).Images.Lock).Size()
	env.registry.Traffic()
	args := p.buildArgs("-o", "type=image,push=true,oci-mediatypes=true,name="+p.repository+":frontend")
	succeeds(t, buildxOn(t, newBuildx(t, one), p.dir, args...))
	pulled, _, _ := env.registry.Traffic()
	if own := image(t, ref).Size(); pulled > own+1<<20 {
		t.Errorf("%d bytes are pulled: the frontend has %d, the deps image %d", pulled, own, size)
	}
	p.solves(t, "lock", p.repository, "--addr", two.Addr)
	sameDigest(t, "source", p.names(t, p.repository).Images.Source, p.repository+":frontend")
}

// TestFrontendPrepared: a folder that prepare wrote gives the images that solve makes of the project.
func TestFrontendPrepared(t *testing.T) {
	p, _ := oddTree(t)
	folder := &project{filepath.Join(t.TempDir(), "folder"), p.repository + "-folder"}
	p.solves(t, "scratch", p.repository)
	succeed(t, p.dir, "prepare", "--build-folder", folder.dir, "--repository", folder.repository)
	succeeds(t, buildx(t, t.TempDir(), "build", "--provenance=false", "-o", computed, folder.dir))
	want, got := p.names(t, p.repository).Images, p.names(t, folder.repository).Images
	sameDigest(t, "source", want.Source, got.Source)
	succeeds(t, buildx(t, t.TempDir(), "build", "--provenance=false", "--target", "deps", "-o", computed, folder.dir))
	sameDigest(t, "lock", want.Lock, got.Lock)
}

// TestFrontendForeignStart enters on an image of the original's kind, whose old source goes.
func TestFrontendForeignStart(t *testing.T) {
	p := openhands(t)
	old := layerOf(t, map[string]string{
		"openhands/code/openhands/__init__.py": "x = 0\n", "openhands/code/openhands/stale.py": "z = 1\n", "openhands/poetry/kept": "kept\n",
	})
	config := ocispecs.Image{Platform: ocispecs.Platform{OS: "linux", Architecture: runtime.GOARCH}}
	made := p.names(t, p.repository)
	must(env.registry.PushImage(t.Context(), strings.TrimPrefix(p.repository, env.registry.Host+"/"), made.Lock, config, old))(t)
	res := p.buildx(t, "-o", "type=image,push=true,oci-mediatypes=true,name="+p.repository+":frontend")
	if !strings.Contains(res.stderr, "was not made by rtbuild") {
		t.Errorf("it is not told that the image is another's:\n%s", res.stderr)
	}
	p.solves(t, "lock", p.repository)
	sameDigest(t, "source", made.Images.Source, p.repository+":frontend")
	files := tree(t, made.Images.Source)
	for name, want := range map[string]bool{
		"/openhands/code/openhands/stale.py": false, "/openhands/code/openhands/__init__.py": true, "/openhands/poetry/kept": true,
	} {
		if _, got := files[name]; got != want {
			t.Errorf("%s is there: %t, want %t", name, got, want)
		}
	}
}

// TestFrontendDefaultProvenance: buildx asks for provenance unless it is told not to, which makes an index of the tag. The
// platform's manifest stays the same.
func TestFrontendDefaultProvenance(t *testing.T) {
	p := probe(t)
	p.solves(t, "scratch", p.repository)
	edit(t, filepath.Join(p.dir, "main.js"), "main", "edited")
	p.solves(t, "lock", p.repository)
	source := p.names(t, p.repository).Images.Source
	succeeds(t, buildx(t, p.dir, "build", "-f", "runtime.yaml", "-o", "type=image,push=true,oci-mediatypes=true,name="+p.repository+":index",
		"--build-arg", "VARIANT=lock", "."))
	got := tag(t, p.repository+":index")
	here := "linux/" + runtime.GOARCH
	if !got.isIndex || got.manifestOf(here).Digest != image(t, source).Digest || got.attestationsOf(here) != 1 {
		t.Errorf("beside %s the index holds %+v", image(t, source).Digest, got.Manifests)
	}
}

// decode reads JSON.
func decode[T any](t *testing.T, text string) (value T) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return value
}
