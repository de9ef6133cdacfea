package e2e

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/testenv"
	"github.com/rtbuild/rtbuild/tags/labels"
)

// computed is an output whose image names the frontend computes.
const computed = `type=image,"name=*",push=true,oci-mediatypes=true`

// publishes builds with the frontend, publishes into a repository, and checks the variant.
func (p *project) publishes(t *testing.T, variant, repository string, more ...string) {
	t.Helper()
	res := p.buildx(t, append([]string{"-o", computed, "--build-arg", "REPOSITORY=" + repository}, more...)...)
	if !strings.Contains(res.stderr, "[plan] "+variant+": ") {
		t.Errorf("the variant is not %s:\n%s", variant, res.stderr)
	}
}

// solves does the same with the client. The runtime file names the base.
func (p *project) solves(t *testing.T, variant, repository string, more ...string) {
	t.Helper()
	args := append([]string{"solve", "--progress", "plain", "--repository", repository}, more...)
	if res := succeed(t, p.dir, args...); !strings.HasPrefix(res.stderr, variant+": ") {
		t.Errorf("the variant is not %s:\n%s", variant, res.stderr)
	}
}

// names returns the references of the images in a repository, as computed by the client.
func (p *project) names(t *testing.T, repository string) planned {
	t.Helper()
	return decode[planned](t, succeed(t, p.dir, "tags", "--format", "json", "--repository", repository).stdout)
}

// sameDigest checks that two references have the same digest.
func sameDigest(t *testing.T, what, one, other string) {
	t.Helper()
	a, b := image(t, one), image(t, other)
	if a.Digest == b.Digest {
		return
	}
	t.Errorf("%s: %s is %s, %s is %s\n%s\n%s", what, one, a.Digest, other, b.Digest, a.RawConfig(), b.RawConfig())
}

// agentTree is a project for both client and frontend.
type agentTree struct {
	name string
	make func(t *testing.T) (p *project, args []string)
	edit string                         // a source file
	deps func(t *testing.T, dir string) // changes the lock files; nil if there are none
}

// TestFrontendSameImages checks that client and frontend make the same manifests for the same input, under the same names.
func TestFrontendSameImages(t *testing.T) {
	t.Parallel()
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
		{"python-project", pythonProject, "src/space/own/cli.py", func(t *testing.T, dir string) {
			edit(t, filepath.Join(dir, "pyproject.toml"), "[project.scripts]\n", "description = \"changed\"\n[project.scripts]\n")
		}},
		{"yarn-berry", yarnBerry, "app/index.js", func(t *testing.T, dir string) {
			edit(t, filepath.Join(dir, "package.json"), `"private": true`, `"author": "x", "private": true`)
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

// oddTree returns a project with links, programs, unusual names, unhashed files and ignored files.
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

// example returns a copy of an example for the frontend, on the shared Debian base.
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
	index := httptest.NewServer(http.FileServer(http.Dir(must(packWheels())(t))))
	t.Cleanup(index.Close)
	conf := filepath.Join(t.TempDir(), "pip.conf")
	write(t, filepath.Dir(conf), "pip.conf", "[global]\nindex-url = "+index.URL+"/simple/\n")
	return example(t, "python-agent"), []string{"--secret", "id=pip.conf,src=" + conf}
}

// yarnBerry returns a workspace. Its patch is in a directory that the frontend lists by itself.
func yarnBerry(t *testing.T) (*project, []string) {
	p := nodeProject(t, "yarn-berry")
	p.repository = env.registry.Host + "/" + repositoryOf(t)
	write(t, p.dir, "runtime.yaml", "# syntax="+frontendRef(t)+"\nbase: "+env.base+"\nrepository: "+p.repository+"\ncmd: [node, app/index.js]\n")
	return p, nil
}

// pythonProject returns a project with a member, both installed. Where its modules are decides the tags.
func pythonProject(t *testing.T) (*project, []string) {
	p := &project{dir: t.TempDir(), repository: env.registry.Host + "/" + repositoryOf(t)}
	for name, content := range map[string]string{
		"requirements.txt":        "-e .\n-e ./libs/lib\n",
		"pyproject.toml":          "[project]\nname = \"own\"\nversion = \"1.0.0\"\n[project.scripts]\nown = \"space.own.cli:main\"\n",
		"src/space/own/cli.py":    "def main(): pass\n",
		"libs/lib/pyproject.toml": "[project]\nname = \"lib\"\nversion = \"2\"\n",
		"libs/lib/lib.py":         "",
		"runtime.yaml":            "# syntax=" + frontendRef(t) + "\nbase: " + env.base + "\nrepository: " + p.repository + "\n",
	} {
		write(t, p.dir, name, content)
	}
	return p, nil
}

// TestFrontendOtherBuilders checks that client and frontend make the same source image on fresh builders, without pulling the deps
// image.
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

// TestFrontendPrepared checks that a build folder of prepare gives the images that solve makes of the project.
func TestFrontendPrepared(t *testing.T) {
	t.Parallel()
	p, _ := oddTree(t)
	folder := &project{dir: filepath.Join(t.TempDir(), "folder"), repository: p.repository + "-folder"}
	p.solves(t, "scratch", p.repository)
	succeed(t, p.dir, "prepare", "--build-folder", folder.dir, "--repository", folder.repository)
	succeeds(t, buildx(t, t.TempDir(), "build", "--provenance=false", "-o", computed, folder.dir))
	want, got := p.names(t, p.repository).Images, p.names(t, folder.repository).Images
	sameDigest(t, "source", want.Source, got.Source)
	succeeds(t, buildx(t, t.TempDir(), "build", "--provenance=false", "--target", "deps", "-o", computed, folder.dir))
	sameDigest(t, "lock", want.Lock, got.Lock)
}

// TestFrontendForeignDepsImage enters on an image like those of the original. The build must remove its old source.
func TestFrontendForeignDepsImage(t *testing.T) {
	t.Parallel()
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

// TestFrontendTargets builds each target, and checks what it publishes.
func TestFrontendTargets(t *testing.T) {
	t.Parallel()
	p := withDependencies(t)
	made := p.names(t, p.repository)
	const warning = "build target deps first"
	exists := func(ref string) bool { _, err := env.registry.Image(t.Context(), ref); return err == nil }
	same := func(t *testing.T, target, command string) {
		t.Helper()
		out := t.TempDir()
		p.buildx(t, "--target", target, "-o", "type=local,dest="+out)
		got := string(must(os.ReadFile(filepath.Join(out, target+".json")))(t))
		if want := succeed(t, p.dir, command, "--format", "json").stdout; got != want {
			t.Errorf("%s.json is\n%s\nthe client prints\n%s", target, got, want)
		}
	}
	t.Run("tags", func(t *testing.T) { same(t, "tags", "tags") })
	t.Run("plan with nothing there", func(t *testing.T) { same(t, "plan", "plan") })
	for _, stage := range []string{"system", "tools"} {
		t.Run(stage, func(t *testing.T) {
			p.buildx(t, "--target", stage, "-o", "type=image,push=true,name="+p.repository+":"+stage)
			img := image(t, p.repository+":"+stage)
			if got := img.Config.Config.Labels[labels.Stage]; got != stage || len(img.Manifest.Layers) != probeLayers+1 {
				t.Errorf("stage %q, %d layers", got, len(img.Manifest.Layers))
			}
			res := p.buildx(t, "--target", stage, "-o", "type=image,name=*", "--metadata-file", filepath.Join(t.TempDir(), "meta.json"))
			if exists(made.Images.Lock) || exists(made.Images.Source) {
				t.Errorf("a stage without a tag is published:\n%s", res.stderr)
			}
		})
	}
	t.Run("source without a deps image", func(t *testing.T) {
		res := p.buildx(t, "-o", computed)
		if !strings.Contains(res.stderr, warning) || !exists(made.Images.Source) || exists(made.Images.Lock) || exists(made.Images.Versioned) {
			t.Errorf("the source image is there: %t, lock: %t, versioned: %t\n%s",
				exists(made.Images.Source), exists(made.Images.Lock), exists(made.Images.Versioned), res.stderr)
		}
	})
	t.Run("deps", func(t *testing.T) {
		p.publishes(t, "scratch", p.repository, "--target", "deps")
		sameDigest(t, "lock and versioned", made.Images.Lock, made.Images.Versioned)
		before := image(t, made.Images.Lock).Digest
		p.publishes(t, "none", p.repository, "--target", "deps")
		if after := image(t, made.Images.Lock).Digest; after != before {
			t.Errorf("what existed was %s and is %s", before, after)
		}
	})
	t.Run("plan with all there", func(t *testing.T) { same(t, "plan", "plan") })
	t.Run("source on a deps image", func(t *testing.T) {
		write(t, p.dir, "main.js", "// edited\n")
		same(t, "plan", "plan")
		if res := p.buildx(t, "-o", computed); strings.Contains(res.stderr, warning) || !exists(p.names(t, p.repository).Images.Source) {
			t.Errorf("it is warned, or not there:\n%s", res.stderr)
		}
	})
	t.Run("unknown", func(t *testing.T) {
		res := buildx(t, p.dir, p.buildArgs("--target", "sauce")...)
		if res.code != 1 || !strings.Contains(res.stderr, `unknown target "sauce": it is one of source, deps,`) {
			t.Errorf("exit code %d\n%s", res.code, res.stderr)
		}
	})
}

// TestFrontendPlatforms adds the source to deps images of two platforms, which needs no emulation. The index must contain the
// client's manifests.
func TestFrontendPlatforms(t *testing.T) {
	t.Parallel()
	p := probe(t)
	edit(t, filepath.Join(p.dir, "runtime.yaml"), must(pushProbeBase())(t), env.base)
	p.pushDeps(t, "linux/amd64", "linux/arm64")
	made := p.planAll(t, "--platform", both)
	out := t.TempDir()
	p.buildx(t, "--platform", both, "--target", "plan", "-o", "type=local,dest="+out)
	// The notes name an option as the reader of each can give it.
	written := strings.NewReplacer("--build-arg PULL=1", "--pull", "--build-arg FORCE_REBUILD=1", "--force-rebuild").
		Replace(string(must(os.ReadFile(filepath.Join(out, "plan.json")))(t)))
	got := decode[plannedAll](t, written)
	if !reflect.DeepEqual(got, made) || made.variants() != "lock lock" {
		t.Errorf("the plan is %+v, the client's %+v", got, made)
	}
	res := p.buildx(t, "--platform", both, "-o", "type=image,push=true,oci-mediatypes=true,name="+p.repository+":frontend")
	for _, line := range []string{"[plan] linux/amd64: lock: ", "[plan] linux/arm64: lock: "} {
		if !strings.Contains(res.stderr, line) {
			t.Errorf("%q is not told:\n%s", line, res.stderr)
		}
	}
	p.solve(t, "--platform", both)
	ours, clients := tag(t, p.repository+":frontend"), tag(t, made.Images.Source)
	if !ours.isIndex || len(ours.Manifests) != 2 {
		t.Fatalf("the frontend's tag holds %+v", ours.Manifests)
	}
	for name := range strings.SplitSeq(both, ",") {
		if a, b := ours.manifestOf(name).Digest, clients.manifestOf(name).Digest; a != b || a == "" {
			t.Errorf("%s: the frontend's is %s, the client's %s", name, a, b)
		}
	}
}
