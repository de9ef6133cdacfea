package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/plan"
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

// attestation gives what a tag's attestations say of this machine's platform, of a type that begins so; it is the predicate.
func attestation[T any](t *testing.T, ref, kind string) (predicate T) {
	t.Helper()
	repository, _, _ := strings.Cut(strings.TrimPrefix(ref, env.registry.Host+"/"), ":")
	got := tag(t, ref)
	of := got.manifestOf("linux/" + runtime.GOARCH).Digest.String()
	for _, d := range got.Manifests {
		if d.Annotations["vnd.docker.reference.digest"] != of {
			continue
		}
		manifest := decode[ocispecs.Manifest](t, string(download(t, "/v2/"+repository+"/manifests/"+d.Digest.String())))
		for _, layer := range manifest.Layers {
			if strings.HasPrefix(layer.Annotations["in-toto.io/predicate-type"], kind) {
				data := string(download(t, "/v2/"+repository+"/blobs/"+layer.Digest.String()))
				return decode[struct{ Predicate T }](t, data).Predicate
			}
		}
	}
	t.Fatalf("%s has no attestation of type %s: %+v", ref, kind, got.Manifests)
	return predicate
}

// provenance is what of both versions of SLSA's provenance counts here.
type provenance struct {
	Materials       []struct{ URI string }
	BuildDefinition struct{ ResolvedDependencies []struct{ URI string } }
}

// materials are what an image was made from, by its provenance.
func materials(t *testing.T, ref string) string {
	t.Helper()
	made := attestation[provenance](t, ref, "https://slsa.dev/provenance/")
	var all []string
	for _, m := range append(made.Materials, made.BuildDefinition.ResolvedDependencies...) {
		plain := must(url.PathUnescape(m.URI))(t)
		all = append(all, plain)
	}
	return strings.Join(all, "\n")
}

// TestFrontendMaterials: what an image was made from is told, and nothing that was only looked at.
func TestFrontendMaterials(t *testing.T) {
	tool := []byte("#!/bin/sh\necho a tool\n")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(tool) }))
	t.Cleanup(server.Close)
	sum := digest.FromBytes(tool).Encoded()
	p := probe(t, fmt.Sprintf("tools: [{name: tool, version: \"1\", url: %q, sha256: {amd64: %s, arm64: %s}, to: bin}]", server.URL+"/tool", sum, sum),
		"source: [{path: main.js}, {path: data, hash: false}]")
	write(t, p.dir, "data/x", "1")
	base := strings.Replace(strings.TrimPrefix(must(pushProbeBase())(t), env.registry.Host+"/"), ":", "@", 1)
	made := p.names(t, p.repository)
	own := strings.TrimPrefix(p.repository, env.registry.Host+"/")
	tests := []struct {
		name       string
		before     func(t *testing.T)
		target     string
		variant    string
		want, none []string // in the materials
	}{
		{"deps", nil, "deps", "scratch", []string{base + "?", server.URL + "/tool"}, []string{own}},
		{"source", nil, "source", "lock", []string{own + "@" + made.Lock + "?"}, []string{base + "?", server.URL, made.Source, made.Versioned}},
		{"stale source image", func(t *testing.T) { write(t, p.dir, "data/x", "2") }, "source", "lock",
			[]string{own + "@" + made.Lock + "?"}, []string{base + "?", server.URL, made.Source, made.Versioned}},
		{"existing source image", nil, "source", "none",
			[]string{own + "@" + made.Source + "?"}, []string{base + "?", made.Versioned, own + "@" + made.Lock + "?"}},
		{"stale versioned image", func(t *testing.T) { edit(t, filepath.Join(p.dir, "runtime.yaml"), "packages: []", "packages: [git]") },
			"deps", "scratch", []string{base + "?", server.URL + "/tool"}, []string{own}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.before != nil {
				test.before(t)
			}
			for _, mode := range []string{"mode=max,version=v1", "mode=min,version=v0.2"} {
				ref := p.repository + ":" + notInTarget.ReplaceAllString(test.name+"-"+mode, "-")
				meta := filepath.Join(t.TempDir(), "meta.json")
				res := succeeds(t, buildx(t, p.dir, "build", "--progress", "plain", "-f", "runtime.yaml", "--target", test.target,
					"--metadata-file", meta, "--provenance", mode, "-o", "type=image,push=true,oci-mediatypes=true,name="+ref, "."))
				if !strings.Contains(res.stderr, "[plan] "+test.variant+": ") {
					t.Errorf("%s: the variant is not %s:\n%s", mode, test.variant, res.stderr)
				}
				told := decode[struct {
					Plan string `json:"frontend.rtbuild.plan"`
				}](t, string(must(os.ReadFile(meta))(t)))
				for platform, made := range decode[map[string]plan.JSON](t, told.Plan) {
					if string(made.Variant) != test.variant || made.Reason == "" || len(made.Exists) == 0 {
						t.Errorf("%s: of %s the metadata says %+v", mode, platform, made)
					}
				}
				got := materials(t, ref)
				for _, want := range test.want {
					if !strings.Contains(got, want) {
						t.Errorf("%s: %s is no material:\n%s", mode, want, got)
					}
				}
				for _, none := range test.none {
					if strings.Contains(got, none) {
						t.Errorf("%s: %s is a material:\n%s", mode, none, got)
					}
				}
			}
			if test.variant != "none" {
				p.publishes(t, test.variant, p.repository, "--target", test.target)
			}
		})
	}
}

// scanned are the files that the bill of materials of an image covers.
func scanned(t *testing.T, ref string) []string {
	t.Helper()
	var names []string
	for _, file := range attestation[struct{ Files []struct{ FileName string } }](t, ref, "https://spdx.dev/Document").Files {
		names = append(names, file.FileName)
	}
	return names
}

// TestFrontendBillOfMaterials has a scanner look at a source image: at its own layer, so that the deps image is not pulled, or
// at all of it.
func TestFrontendBillOfMaterials(t *testing.T) {
	scanner := must(env.registry.PushScanner(t.Context(), env.dir))(t)
	p := probe(t)
	made := p.names(t, p.repository)
	config := ocispecs.Image{
		Platform: ocispecs.Platform{OS: "linux", Architecture: runtime.GOARCH}, Config: ocispecs.ImageConfig{Labels: depsLabels()},
	}
	// What would be noticed if it were pulled.
	big := layerOf(t, map[string]string{"big": strings.Repeat("x", 16<<20)})
	must(env.registry.PushImage(t.Context(), strings.TrimPrefix(p.repository, env.registry.Host+"/"), made.Lock, config, big))(t)
	programs := image(t, scanner).Size() + image(t, frontendRef(t)).Size()
	sbom := []string{"--attest", "type=sbom,generator=" + scanner}
	frontend := func(args ...string) func(*testing.T, string) {
		return func(t *testing.T, ref string) {
			x := newBuildx(t, freshBuilder(t, testenv.BuilderOptions{}))
			args := append(append([]string{"-o", "type=image,push=true,name=" + ref}, sbom...), args...)
			succeeds(t, buildxOn(t, x, p.dir, p.buildArgs(args...)...))
		}
	}
	tests := []struct {
		name  string
		build func(t *testing.T, ref string)
		all   bool
	}{
		{"own layer", frontend(), false},
		{"all", frontend("--build-arg", "SBOM_SCAN_ALL=1"), true},
		{"client", func(t *testing.T, ref string) {
			args := append([]string{"solve", "--progress", "plain", "--addr", freshBuilder(t, testenv.BuilderOptions{}).Addr}, sbom...)
			succeed(t, p.dir, append(args, "-o", "type=image,push=true,name="+ref)...)
		}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			ref := p.repository + ":" + notInTarget.ReplaceAllString(test.name, "-")
			env.registry.Traffic()
			test.build(t, ref)
			pulled, _, _ := env.registry.Traffic()
			if isPulled := pulled > programs+1<<20; isPulled != test.all {
				t.Errorf("%d bytes are pulled, of which frontend and scanner are %d", pulled, programs)
			}
			got := scanned(t, ref)
			if !slices.Contains(got, "agent/code/main.js") || slices.Contains(got, "big") != test.all {
				t.Errorf("it covers %v", got)
			}
		})
	}
	t.Run("existing image", func(t *testing.T) {
		p.publishes(t, "lock", p.repository)
		ref := p.repository + ":existing"
		frontend()(t, ref) // which pulls it: the exporter looks for the layer of each file
		if got := scanned(t, ref); !slices.Contains(got, "agent/code/main.js") || slices.Contains(got, "big") {
			t.Errorf("it covers %v", got)
		}
	})
}

// TestFrontendTargets builds each target, and looks at what it publishes.
func TestFrontendTargets(t *testing.T) {
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
			if got := img.Config.Config.Labels[plan.LabelStage]; got != stage || len(img.Manifest.Layers) != probeLayers+1 {
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

// TestFrontendPlatforms lays the source over deps images of two platforms, which runs none of their programs: an index with the
// manifests that the client makes.
func TestFrontendPlatforms(t *testing.T) {
	p := probe(t)
	edit(t, filepath.Join(p.dir, "runtime.yaml"), must(pushProbeBase())(t), env.base)
	p.pushDeps(t, "linux/amd64", "linux/arm64")
	made := p.planAll(t, "--platform", both)
	out := t.TempDir()
	p.buildx(t, "--platform", both, "--target", "plan", "-o", "type=local,dest="+out)
	got := decode[plannedAll](t, string(must(os.ReadFile(filepath.Join(out, "plan.json")))(t)))
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
