package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/containerd/platforms"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/internal/testenv"
	"github.com/rtbuild/rtbuild/tags/labels"
)

const both = "linux/amd64,linux/arm64"

// tagged is the index of a tag. A single manifest is represented as an index with one entry.
type tagged struct {
	ocispecs.Index
	digest  digest.Digest
	isIndex bool
}

// manifestOf returns a platform's entry. Its digest is empty if there is none.
func (g tagged) manifestOf(platform string) ocispecs.Descriptor {
	for _, d := range g.Manifests {
		if d.Platform != nil && platforms.Format(*d.Platform) == platform {
			return d
		}
	}
	return ocispecs.Descriptor{}
}

// attestationsOf counts the attestations of a platform's manifest.
func (g tagged) attestationsOf(platform string) int {
	n := 0
	for _, d := range g.Manifests {
		if of := d.Annotations["vnd.docker.reference.digest"]; of != "" && of == g.manifestOf(platform).Digest.String() {
			n++
		}
	}
	return n
}

// tag reads the manifest or index of a reference of the shared registry.
func tag(t *testing.T, ref string) tagged {
	t.Helper()
	repository, name, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(ref), env.registry.Host+"/"), ":")
	req := must(http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+env.registry.Host+"/v2/"+repository+"/manifests/"+name, nil))(t)
	req.Header.Set("Accept", ocispecs.MediaTypeImageManifest+", "+ocispecs.MediaTypeImageIndex)
	res := must(http.DefaultClient.Do(req))(t)
	defer res.Body.Close()
	body := must(io.ReadAll(res.Body))(t)
	if res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", ref, res.Status)
	}
	got := tagged{digest: digest.FromBytes(body), isIndex: res.Header.Get("Content-Type") == ocispecs.MediaTypeImageIndex}
	if got.isIndex {
		if err := json.Unmarshal(body, &got.Index); err != nil {
			t.Fatal(err)
		}
		return got
	}
	platform := image(t, ref).Config.Platform
	got.Manifests = []ocispecs.Descriptor{{Digest: got.digest, Platform: &platform}}
	return got
}

// pushDeps pushes deps images for platforms under the lock tag. Adding source to them needs no emulation.
func (p *project) pushDeps(t *testing.T, list ...string) {
	t.Helper()
	repository := strings.TrimPrefix(p.repository, env.registry.Host+"/")
	index := ocispecs.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispecs.MediaTypeImageIndex}
	for _, name := range list {
		platform := must(platforms.Parse(name))(t)
		config := ocispecs.Image{Platform: platform, Config: ocispecs.ImageConfig{Labels: map[string]string{
			labels.Stage: plan.StageDeps, labels.Recipe: "1", labels.UID: "1000", labels.GID: "1000", labels.ToolsLayers: "1",
		}}}
		tmp := "deps-" + platform.Architecture
		at := must(env.registry.PushImage(t.Context(), repository, tmp, config, layerOf(t, map[string]string{"arch": name})))(t)
		size := len(must(json.Marshal(image(t, p.repository+":"+tmp).Manifest))(t))
		index.Manifests = append(index.Manifests, ocispecs.Descriptor{
			MediaType: ocispecs.MediaTypeImageManifest, Digest: at, Size: int64(size), Platform: &platform,
		})
	}
	made := p.plan(t)
	must(env.registry.PushManifest(t.Context(), repository, made.Lock, index.MediaType, index))(t)
}

// plannedAll is the output of plan --format json for several platforms.
type plannedAll struct {
	planned
	Platforms map[string]planned
}

func (p *project) planAll(t *testing.T, more ...string) plannedAll {
	t.Helper()
	res := succeed(t, p.dir, p.args("plan", append([]string{"--format", "json"}, more...)...)...)
	var made plannedAll
	if err := json.Unmarshal([]byte(res.stdout), &made); err != nil {
		t.Fatalf("%v in %s", err, res.stdout)
	}
	return made
}

// variants returns the variants of the platforms, in the order of the platforms' names.
func (m plannedAll) variants() string {
	var all []string
	for _, name := range []string{"linux/amd64", "linux/arm64", "linux/s390x"} {
		if one, ok := m.Platforms[name]; ok {
			all = append(all, one.Variant)
		}
	}
	return strings.Join(all, " ")
}

// twoPlatforms returns a project with deps images for amd64 and arm64.
func twoPlatforms(t *testing.T) *project {
	t.Helper()
	p := small(t)
	p.pushDeps(t, "linux/amd64", "linux/arm64")
	return p
}

// touch changes the source, and thereby the source tag.
func (p *project) touch(t *testing.T) {
	t.Helper()
	write(t, p.dir, "server.js", "// "+t.Name()+"\n")
}

// TestPlatformsTogether publishes an index twice. The second time, there must be nothing to do.
func TestPlatformsTogether(t *testing.T) {
	t.Parallel()
	p := twoPlatforms(t)
	made := p.planAll(t, "--platform", both)
	if made.variants() != "lock lock" || made.Variant != "" || made.Images.Source == "" {
		t.Fatalf("the plan is %+v", made)
	}
	res := p.solve(t, "--platform", "linux/amd64", "--platform", "linux/arm64", "--metadata-file", filepath.Join(p.dir, "..", "meta.json"))
	for _, line := range []string{"linux/amd64: lock: ", "linux/arm64: lock: "} {
		if !strings.Contains(res.stderr, line) {
			t.Errorf("%q is not told:\n%s", line, res.stderr)
		}
	}
	got := tag(t, res.stdout)
	if !got.isIndex || len(got.Manifests) != 2 || got.manifestOf("linux/amd64").Digest == "" || got.manifestOf("linux/arm64").Digest == "" {
		t.Fatalf("the tag holds %+v", got)
	}
	for _, name := range []string{"linux/amd64", "linux/arm64"} {
		img := image(t, p.repository+":x@"+got.manifestOf(name).Digest.String())
		if img.Config.Config.Labels[labels.Platform] != name || len(img.Manifest.Layers) != 2 {
			t.Errorf("%s: labels %v, %d layers", name, img.Config.Config.Labels, len(img.Manifest.Layers))
		}
		if f := must(img.Tree(t.Context()))(t)["/arch"]; f.Digest != digest.FromString(name) {
			t.Errorf("%s stands on %+v", name, f)
		}
	}
	if again := p.planAll(t, "--platform", both); again.variants() != "none none" {
		t.Errorf("the second plan is %s", again.variants())
	}
	if one := p.planAll(t, "--platform", "linux/arm64"); one.Variant != "none" || len(one.Platforms) != 1 {
		t.Errorf("the plan for one is %+v", one)
	}
	text := succeed(t, p.dir, p.args("plan", "--platform", both)...).stdout
	if strings.Count(text, "platform   linux/") != 2 || strings.Count(text, "variant    none: ") != 2 {
		t.Errorf("the plan in words is\n%s", text)
	}
	p.solve(t, "--platform", both, "--addr", "unix:///nowhere")
}

// TestPlatformsMerged publishes one platform after the other. The tag must keep the other platforms unchanged.
func TestPlatformsMerged(t *testing.T) {
	t.Parallel()
	p := twoPlatforms(t)
	res := p.solve(t, "--platform", "linux/arm64")
	first := tag(t, res.stdout)
	if first.isIndex || first.manifestOf("linux/arm64").Digest == "" {
		t.Fatalf("the first is %+v", first)
	}
	// This machine's platform, named or not.
	p.solve(t)
	second := tag(t, res.stdout)
	if len(second.Manifests) != 2 || second.manifestOf("linux/arm64").Digest != first.digest {
		t.Fatalf("beside %s the tag holds %+v", first.digest, second.Manifests)
	}
	if made := p.planAll(t, "--platform", both); made.variants() != "none none" {
		t.Errorf("then the plan is %s", made.variants())
	}
	p.solve(t, "--platform", "linux/arm64", "--force-rebuild", "--variant", "lock", "--label", "x=y")
	third := tag(t, res.stdout)
	if len(third.Manifests) != 2 || third.manifestOf("linux/arm64").Digest == first.digest ||
		third.manifestOf("linux/amd64").Digest != second.manifestOf("linux/amd64").Digest {
		t.Errorf("after a rebuild of one the tag holds %+v", third.Manifests)
	}
}

// TestPlatformsMissing builds for two platforms, one of which lacks an image.
func TestPlatformsMissing(t *testing.T) {
	t.Parallel()
	p := twoPlatforms(t)
	res := p.solve(t, "--platform", "linux/arm64")
	first := tag(t, res.stdout)
	if made := p.planAll(t, "--platform", both); made.variants() != "lock none" {
		t.Fatalf("the plan is %s", made.variants())
	}
	archive := filepath.Join(t.TempDir(), "all.tar")
	p.solve(t, "--platform", both, "--push", "-o", "type=oci,dest="+archive)
	got := tag(t, res.stdout)
	if len(got.Manifests) != 2 || got.manifestOf("linux/arm64").Digest != first.digest {
		t.Errorf("beside %s the tag holds %+v", first.digest, got.Manifests)
	}
	if names := archived(t, archive); !slices.Contains(names, "blobs/sha256/"+first.digest.Encoded()) {
		t.Errorf("the archive lacks the image that exists: %v", names)
	}
}

// archived lists the files of an archive.
func archived(t *testing.T, file string) []string {
	t.Helper()
	return strings.Fields(string(must(exec.Command("tar", "-tf", file).Output())(t)))
}

// TestPlatformsConcurrently runs two clients that publish one platform each, at the same time and into a new tag.
func TestPlatformsConcurrently(t *testing.T) {
	t.Parallel()
	p := twoPlatforms(t)
	for n := range 5 {
		write(t, p.dir, "server.js", fmt.Sprintf("// %d\n", n))
		var wg sync.WaitGroup
		for name := range strings.SplitSeq(both, ",") {
			r := start(t, p.dir, p.args("solve", "--progress", "plain", "--platform", name)...)
			wg.Go(func() {
				if err := r.Run(); err != nil {
					t.Errorf("%v\n%s", err, r.stderr.String())
				}
			})
		}
		wg.Wait()
		if made := p.planAll(t, "--platform", both); made.variants() != "none none" {
			t.Errorf("round %d: the plan is %s", n, made.variants())
		}
	}
}

// TestPlatformsUnsupported builds steps for a platform that the builder cannot run.
func TestPlatformsUnsupported(t *testing.T) {
	t.Parallel()
	p := small(t)
	res := p.fails(t, 4, "cannot run the steps for linux/s390x: it runs linux/", "--platform", "linux/s390x")
	if !strings.Contains(res.stderr, "binfmt --install s390x") {
		t.Errorf("what to do is not told:\n%s", res.stderr)
	}
	p.fails(t, 2, "hold one platform", "--platform", both, "-o", "type=docker,dest="+filepath.Join(t.TempDir(), "x.tar"))
}

// TestPlatformsFromScratch builds for two platforms from scratch, one of them with emulation. Then it removes one platform's deps
// image, which the next build must add to the other's.
func TestPlatformsFromScratch(t *testing.T) {
	t.Parallel()
	for _, architecture := range []string{"amd64", "arm64"} {
		if err := testenv.Runs(architecture); err != nil {
			t.Fatal(err)
		}
	}
	base := must(env.registry.PushBases(t.Context()))(t)
	p := small(t)
	// The other platform's unpacked base has only the programs for this. Node is merged, not run.
	write(t, p.dir, "runtime.yaml", "profile: node\nuser: root\ndependencies: {manager: none}\n")
	args := []string{"--base-image", base, "--platform", both}
	if made := p.planAll(t, args...); made.variants() != "scratch scratch" {
		t.Fatalf("the plan is %+v", made)
	}
	p.solve(t, args...)
	made := p.planAll(t, args...)
	if made.variants() != "none none" {
		t.Fatalf("then the plan is %+v", made)
	}
	for _, ref := range []string{made.Images.Lock, made.Images.Versioned, made.Images.Source} {
		got := tag(t, ref)
		if !got.isIndex || len(got.Manifests) != 2 {
			t.Errorf("%s holds %+v", ref, got.Manifests)
		}
		img := image(t, p.repository+":x@"+got.manifestOf("linux/arm64").Digest.String())
		if node := must(img.Tree(t.Context()))(t)["/agent/bin/node"]; img.Config.Architecture != "arm64" || node.Digest == "" {
			t.Errorf("%s is for %s, node %+v", ref, img.Config.Architecture, node)
		}
	}
	write(t, p.dir, "runtime.yaml", "profile: node\nuser: root\ndependencies: {manager: none}\nprefix: /other\n")
	p.solve(t, "--base-image", base, "--platform", "linux/amd64")
	if made = p.planAll(t, args...); made.variants() != "none scratch" {
		t.Fatalf("with one of another prefix, the plan is %s", made.variants())
	}
	p.solve(t, args...)
	if made = p.planAll(t, args...); made.variants() != "none none" {
		t.Errorf("at last the plan is %s", made.variants())
	}
	if got := tag(t, made.Images.Lock); len(got.Manifests) != 2 {
		t.Errorf("the new lock tag holds %+v", got.Manifests)
	}
}
