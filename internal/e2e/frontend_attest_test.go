package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/internal/testenv"
)

// TestFrontendDefaultProvenance checks buildx's default provenance: the tag becomes an index, and the platform's manifest stays the
// same.
func TestFrontendDefaultProvenance(t *testing.T) {
	t.Parallel()
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

// decode decodes JSON.
func decode[T any](t *testing.T, text string) (value T) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return value
}

// attestation returns the predicate of a tag's attestation for this machine's platform. Its type begins with kind.
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

// provenance holds the fields of both versions of SLSA provenance that the tests use.
type provenance struct {
	Materials       []struct{ URI string }
	BuildDefinition struct{ ResolvedDependencies []struct{ URI string } }
}

// materials returns the materials in an image's provenance.
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

// TestFrontendMaterials checks that the provenance lists what the image was made from, and not what was only looked up.
func TestFrontendMaterials(t *testing.T) {
	t.Parallel()
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
		{"stale deps image (versioned)", func(t *testing.T) { edit(t, filepath.Join(p.dir, "runtime.yaml"), "packages: []", "packages: [git]") },
			"deps", "scratch", []string{base + "?", server.URL + "/tool"}, []string{own}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.before != nil {
				test.before(t)
			}
			for _, mode := range []string{"mode=max,version=v1", "mode=min,version=v0.2"} {
				ref := p.repository + ":" + invalidInTarget.ReplaceAllString(test.name+"-"+mode, "-")
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

// scanned returns the files in an image's SBOM.
func scanned(t *testing.T, ref string) []string {
	t.Helper()
	var names []string
	for _, file := range attestation[struct{ Files []struct{ FileName string } }](t, ref, "https://spdx.dev/Document").Files {
		names = append(names, file.FileName)
	}
	return names
}

// TestFrontendSBOM scans a source image: only its own layer, without pulling the deps image, or all layers.
func TestFrontendSBOM(t *testing.T) {
	scanner := must(env.registry.PushScanner(t.Context(), env.dir))(t)
	p := probe(t)
	made := p.names(t, p.repository)
	config := ocispecs.Image{
		Platform: ocispecs.Platform{OS: "linux", Architecture: runtime.GOARCH}, Config: ocispecs.ImageConfig{Labels: depsLabels()},
	}
	// This layer is large enough to reveal a pull.
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
			ref := p.repository + ":" + invalidInTarget.ReplaceAllString(test.name, "-")
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
		frontend()(t, ref) // pulls the image, because the exporter looks for the layer of each file
		if got := scanned(t, ref); !slices.Contains(got, "agent/code/main.js") || slices.Contains(got, "big") {
			t.Errorf("it covers %v", got)
		}
	})
}
