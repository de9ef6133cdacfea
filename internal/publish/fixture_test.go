package publish

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/builders"
	"github.com/rtbuild/rtbuild/internal/destination"
	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/internal/planning"
	"github.com/rtbuild/rtbuild/internal/project"
	"github.com/rtbuild/rtbuild/internal/solve"
	"github.com/rtbuild/rtbuild/internal/testenv"
	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
	"github.com/rtbuild/rtbuild/internal/testkit/fakebuilder"
	"github.com/rtbuild/rtbuild/internal/testkit/fakegateway"
	"github.com/rtbuild/rtbuild/tags/labels"
)

// The builder of the fixture, and the base of its project.
const (
	builderAddr = "tcp://builder.example.com:1234"
	base        = "docker.io/library/debian:bookworm"
)

// fixture is a request for a project, a fake builder, and a real registry. The builder's exporter pushes images without layers.
type fixture struct {
	Request
	builder   *fakebuilder.Builder
	registry  *testenv.Registry
	connected []string // the builders that were connected to
	refused   error    // of connecting; nil if the builder answers
	interrupt context.CancelCauseFunc
	solved    []string // for each solve "PLATFORM IMAGE + STAGES" of each image, then exports and caches
	images    map[string]digest.Digest

	mu     sync.Mutex
	wrote  []string // tags that were written, in order
	frozen string   // a tag that cannot be moved
	notes  []string
}

// newFixture starts a registry. The test must set DOCKER_CONFIG, so that the user's logins are not used.
func newFixture(t *testing.T) *fixture {
	t.Helper()
	reg, err := testenv.StartRegistry(t.Context(), t.TempDir())
	projecttest.Must(t, err)
	t.Cleanup(reg.Close)
	f := &fixture{registry: reg, images: map[string]digest.Digest{}, builder: &fakebuilder.Builder{Gateway: fakegateway.New()}}
	reg.SetFault(f.watch)
	f.builder.Export = f.export
	f.builder.Workers = []*client.WorkerInfo{{Platforms: []ocispecs.Platform{platforms.MustParse("linux/amd64"), platforms.MustParse("linux/arm64")}}}
	f.builder.Gateway.Files = func(fakegateway.Solve) (fs.FS, error) {
		return fstest.MapFS{"bin/sh": {}, "usr/bin/apt-get": {}, "usr/bin/dpkg": {}, "etc/os-release": {Data: []byte("ID=debian\n")}}, nil
	}
	for _, arch := range []string{"amd64", "arm64"} {
		of := func(labels string) fakegateway.Image {
			return fakegateway.Image{Config: fmt.Sprintf(`{"os":"linux","architecture":%q,"config":{"Labels":{%s}},`+
				`"rootfs":{"type":"layers","diff_ids":["sha256:1","sha256:2","sha256:3"]},"history":[{},{},{}]}`, arch, labels)}
		}
		f.builder.Gateway.Images[base+" linux/"+arch] = of("")
		f.builder.Gateway.Images[reg.Host+"/a:old linux/"+arch] = of(`"io.rtbuild.stage":"deps","io.rtbuild.tools.layers":"2"`)
	}
	d, err := destination.New(destination.Options{
		Repository: reg.Host + "/a", Builder: builders.Address{Addr: builderAddr},
		Connect: func(_ context.Context, at builders.Address) (*solve.Builder, error) {
			f.connected = append(f.connected, at.Addr)
			return &solve.Builder{Client: f.builder, Addr: at.Addr}, f.refused
		},
	})
	projecttest.Must(t, err)
	say := func(message string) { f.notes = append(f.notes, f.short(message)) }
	f.Request = Request{Push: true, Build: Build{
		Project: newProject(t, d.Repository), Destination: d, Note: say, Warn: say,
		Settings: Settings{Annotations: func(ocispecs.Platform) map[string]string { return nil }, Progress: "quiet"},
	}}
	return f
}

// newProject returns a project whose tags have simple names.
func newProject(t *testing.T, repository string) *project.Project {
	t.Helper()
	p, err := project.Read(projecttest.Tree(t, "runtime.yaml", "base: "+base+"\n", "server.js", "//",
		"package.json", `{"name":"a","version":"1.0.0"}`, "package-lock.json", `{"name":"a","version":"1.0.0","lockfileVersion":3,"packages":{"":{"name":"a","version":"1.0.0"}}}`,
	), project.Options{})
	projecttest.Must(t, err)
	projecttest.Must(t, p.ComputeTags(t.Context(), repository))
	p.Tags.Images.Lock, p.Tags.Images.Versioned, p.Tags.Images.Source = repository+":lock", repository+":versioned", repository+":source"
	return p
}

// watch records the tags that are written, and refuses the frozen one.
func (f *fixture) watch(w http.ResponseWriter, r *http.Request) bool {
	_, tag, ok := strings.Cut(r.URL.Path, "/manifests/")
	if !ok || r.Method != http.MethodPut || strings.HasPrefix(tag, "sha256:") {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if tag == f.frozen {
		w.WriteHeader(http.StatusConflict)
		return true
	}
	f.wrote = append(f.wrote, tag)
	return false
}

// deny returns a fault that refuses some requests.
func deny(which func(*http.Request) bool) testenv.Fault {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !which(r) {
			return false
		}
		w.WriteHeader(http.StatusForbidden)
		return true
	}
}

// refuse makes the registry refuse to write a tag.
func (f *fixture) refuse(tag string) {
	refused := deny(func(r *http.Request) bool {
		return r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, "/manifests/"+tag)
	})
	f.registry.SetFault(func(w http.ResponseWriter, r *http.Request) bool { return refused(w, r) || f.watch(w, r) })
}

// export is the builder's exporter: it pushes each image of a result by digest, and an index if there is one.
func (f *fixture) export(ctx context.Context, opt client.SolveOpt, res *gateway.Result) ([]string, error) {
	var lines []string
	var index []ocispecs.Descriptor
	var pushed digest.Digest
	last := "" // image that was pushed
	var known exptypes.Platforms
	if err := json.Unmarshal(res.Metadata[exptypes.ExporterPlatformsKey], &known); err != nil {
		return nil, err
	}
	for _, p := range known.Platforms {
		ref, suffix := res.Ref, ""
		if ref == nil {
			ref, suffix = res.Refs[p.ID], "/"+p.ID
		}
		graph := ref.(*fakegateway.Reference).Solve
		lines = append(lines, p.ID+" "+f.short(graph.Image())+" + "+graph.Stages())
		var config ocispecs.Image
		err := json.Unmarshal(res.Metadata[exptypes.ExporterImageConfigKey+suffix], &config)
		if err == nil {
			pushed, err = f.registry.PushImage(ctx, "a", "", config)
		}
		if err != nil {
			return nil, err
		}
		last = p.ID + " " + config.Config.Labels[labels.Stage]
		f.images[last] = pushed
		index = append(index, ocispecs.Descriptor{MediaType: ocispecs.MediaTypeImageManifest, Digest: pushed, Size: 1, Platform: &p.Platform})
	}
	f.solved = append(f.solved, strings.Join(append(lines, f.destinations(opt)...), "; "))
	var err error
	if res.Ref == nil {
		pushed, err = f.registry.PushIndex(ctx, "a", "", index...)
		f.images["index of "+last] = pushed
	}
	f.published(res, pushed)
	return slices.Repeat([]string{pushed.String()}, len(opt.Exports)), err
}

// destinations names the exports and caches of a solve.
func (f *fixture) destinations(opt client.SolveOpt) []string {
	var all []string
	for _, e := range opt.Exports {
		text := "to " + e.Type + " " + f.short(e.Attrs["name"])
		if e.Attrs["push-by-digest"] == "true" {
			text += " by digest"
		}
		for _, key := range slices.Sorted(maps.Keys(e.Attrs)) {
			if strings.Contains(key, "compression") {
				text += " " + key + "=" + e.Attrs[key]
			}
		}
		all = append(all, text)
	}
	for _, c := range opt.CacheExports {
		all = append(all, "cache "+c.Type)
	}
	return all
}

// published makes the builder find an image that it has pushed.
func (f *fixture) published(res *gateway.Result, pushed digest.Digest) {
	for key, config := range res.Metadata {
		if name, ok := strings.CutPrefix(key, exptypes.ExporterImageConfigKey); ok {
			ref := f.registry.Host + "/a:lock@" + pushed.String()
			f.builder.Gateway.Images[strings.TrimSpace(ref+" "+strings.TrimPrefix(name, "/"))] = fakegateway.Image{Config: string(config), Digest: pushed}
		}
	}
}

// short shortens references in a text: it replaces the host, and a digest by the name of its image, because both differ between runs.
func (f *fixture) short(text string) string {
	text = strings.ReplaceAll(text, f.registry.Host+"/a", "r")
	ref, rest, pinned := strings.Cut(text, "@")
	if !pinned {
		return text
	}
	dgst, rest, _ := strings.Cut(rest, " ")
	for name, known := range f.images {
		if known.String() == dgst {
			return strings.TrimSpace(ref + "@(" + name + ") " + rest)
		}
	}
	return strings.TrimSpace(ref + " " + rest)
}

// plans sets the plan of each platform.
func (f *fixture) plans(all ...planning.PlatformPlan) { f.Plan = &planning.Result{Platforms: all} }

// platform plans a variant for a platform. The build enters on the base, on an image under a tag, or on a deps image under the tag old.
func (f *fixture) platform(name string, variant plan.Variant, roles ...string) planning.PlatformPlan {
	images := f.Project.Tags.Images
	refs := map[string]string{"lock": images.Lock, "versioned": images.Versioned, "source": images.Source, "build": images.Build}
	p := planning.PlatformPlan{Platform: platforms.MustParse(name), Plan: &plan.Plan{Variant: variant, From: f.registry.Host + "/a:old"}}
	switch variant {
	case plan.Scratch:
		p.From = base
	case plan.None:
		p.Entry = &plan.Image{Digest: digest.FromString("existing")}
	}
	for _, role := range roles {
		p.Publish = append(p.Publish, refs[role])
	}
	return p
}

// formatted are platforms as text.
func formatted(all []ocispecs.Platform) string {
	var names []string
	for _, p := range all {
		names = append(names, platforms.Format(p))
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}
