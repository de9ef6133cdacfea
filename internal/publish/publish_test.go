package publish

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/containerd/platforms"
	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/client"
	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/destination"
	"github.com/rtbuild/rtbuild/internal/imagebuild"
	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/internal/planning"
	"github.com/rtbuild/rtbuild/internal/profile"
	"github.com/rtbuild/rtbuild/internal/project"
	"github.com/rtbuild/rtbuild/internal/registry"
	"github.com/rtbuild/rtbuild/internal/solve"
	"github.com/rtbuild/rtbuild/internal/testenv"
	"github.com/rtbuild/rtbuild/tags"
)

// fixture is a run with a fake builder, which only pushes images, and a real registry.
type fixture struct {
	*run
	registry *testenv.Registry
	jobs     []string // the jobs: for each request "PLATFORM STAGE VARIANT FROM", then exports and caches
	fail     string   // the stage whose solve fails
	images   map[string]digest.Digest

	mu     sync.Mutex
	wrote  []string // tags that were written, in order
	frozen string   // a tag that cannot be moved
	notes  []string
}

// newFixture starts a registry. The test must set DOCKER_CONFIG, so that the user's logins are not used.
func newFixture(t *testing.T) *fixture {
	t.Helper()
	reg, err := testenv.StartRegistry(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(reg.Close)
	s := &fixture{registry: reg, images: map[string]digest.Digest{}}
	reg.SetFault(s.watch)
	repository := reg.Host + "/a"
	d, err := destination.New(destination.Options{Repository: repository})
	if err != nil {
		t.Fatal(err)
	}
	ref := func(tag string) string { return repository + ":" + tag }
	say := func(message string) { s.notes = append(s.notes, strings.ReplaceAll(message, repository, "r")) }
	s.run = &run{solver: s, Request: Request{
		Push: true,
		Build: Build{
			Project: &project.Project{
				Runtime: &profile.Runtime{},
				Tags:    tags.Set{Images: tags.Images{Lock: ref("lock"), Versioned: ref("versioned"), Source: ref("source")}},
			},
			Destination: d, Note: say, Warn: say,
			Settings: Settings{Annotations: func(ocispecs.Platform) map[string]string { return nil }},
		},
	}}
	return s
}

// watch records the tags that are written, and refuses the frozen one.
func (s *fixture) watch(w http.ResponseWriter, r *http.Request) bool {
	_, tag, ok := strings.Cut(r.URL.Path, "/manifests/")
	if !ok || r.Method != http.MethodPut || strings.HasPrefix(tag, "sha256:") {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if tag == s.frozen {
		w.WriteHeader(http.StatusConflict)
		return true
	}
	s.wrote = append(s.wrote, tag)
	return false
}

// Run implements solver. It pushes an image for each request, by digest.
func (s *fixture) Run(ctx context.Context, job solve.Job) (*solve.Response, error) {
	var lines []string
	index := ocispecs.Index{MediaType: ocispecs.MediaTypeImageIndex}
	index.SchemaVersion = 2
	var last digest.Digest
	stage := ""
	for _, request := range job.Requests {
		stage = request.Stage
		name := platforms.Format(request.Platform) + " " + stage
		lines = append(lines, name+" "+string(request.Variant)+" "+s.short(request.Entry.Ref))
		config := ocispecs.Image{Platform: request.Platform, Config: ocispecs.ImageConfig{Labels: map[string]string{"stage": stage}}}
		var err error
		if last, err = s.registry.PushImage(ctx, "a", "", config); err != nil {
			return nil, err
		}
		s.images[name] = last
		index.Manifests = append(index.Manifests, ocispecs.Descriptor{MediaType: ocispecs.MediaTypeImageManifest, Digest: last, Size: 1, Platform: &request.Platform})
	}
	for _, e := range job.Exports {
		lines = append(lines, "to "+e.Type+" "+s.short(e.Attrs["name"])+strings.Repeat(" by digest", len(e.Attrs["push-by-digest"])/4))
	}
	for _, c := range job.Caches {
		lines = append(lines, "cache "+c.Type)
	}
	s.jobs = append(s.jobs, strings.Join(lines, "; "))
	if stage == s.fail {
		return nil, &solve.StepError{Step: stage, Err: errors.New("failed")}
	}
	if len(index.Manifests) > 1 {
		var err error
		if last, err = s.registry.PushManifest(ctx, "a", "", index.MediaType, index); err != nil {
			return nil, err
		}
	}
	return &solve.Response{Exporter: map[string]string{}, Outputs: []solve.Output{{Digest: last.String()}}}, nil
}

// short shortens a reference: it replaces the host, and a digest by the name of its image, because both differ between runs.
func (s *fixture) short(ref string) string {
	ref, dgst, _ := strings.Cut(strings.ReplaceAll(ref, s.registry.Host+"/a", "r"), "@")
	for name, known := range s.images {
		if known.String() == dgst {
			return ref + "@(" + name + ")"
		}
	}
	return ref
}

// plans sets the plan of each platform.
func (s *fixture) plans(all ...planning.PlatformPlan) {
	s.Plan = &planning.Result{Platforms: all}
	s.requests = s.platformRequests(imagebuild.Request{})
	s.job.Index = len(all) > 1
}

func (s *fixture) platform(name string, variant plan.Variant, roles ...string) planning.PlatformPlan {
	images := s.Project.Tags.Images
	refs := map[string]string{"lock": images.Lock, "versioned": images.Versioned, "source": images.Source}
	p := planning.PlatformPlan{Platform: platforms.MustParse(name), Plan: &plan.Plan{Variant: variant, From: "base"}}
	if variant == plan.None {
		p.Entry = &plan.Image{Digest: digest.FromString("existing")}
	}
	for _, role := range roles {
		p.Publish = append(p.Publish, refs[role])
	}
	return p
}

// TestSolveAll checks what is built in which order, and which tags are written.
func TestSolveAll(t *testing.T) {
	const (
		depsOfAll   = "linux/amd64 deps scratch base; to image r by digest"
		sourceOnIt  = "linux/amd64 source lock r:lock@(linux/amd64 deps); to image r by digest"
		sourceAlone = "linux/amd64 source lock base; to image r by digest"
	)
	fromScratch := func(s *fixture) { s.plans(s.platform("linux/amd64", plan.Scratch, "lock", "versioned", "source")) }
	onLock := func(s *fixture) { s.plans(s.platform("linux/amd64", plan.Lock, "source")) }
	archive := solve.Export{ExportEntry: client.ExportEntry{Type: client.ExporterOCI, Attrs: map[string]string{"name": "x"}}}
	caches := []client.CacheOptionsEntry{{Type: "registry"}, {Type: "inline"}}
	tests := []struct {
		name   string
		set    func(*fixture)
		jobs   []string
		wrote  []string
		notes  []string
		err    error
		digest string // whose image Result.Digest is; empty is none
	}{
		{name: "from scratch", set: fromScratch, jobs: []string{depsOfAll, sourceOnIt}, wrote: []string{"lock", "versioned", "source"}, digest: "linux/amd64 source"},
		{name: "on a deps image under the versioned tag", set: func(s *fixture) { s.plans(s.platform("linux/amd64", plan.Versioned, "lock", "source")) },
			jobs: []string{"linux/amd64 deps versioned base; to image r by digest", sourceOnIt}, wrote: []string{"lock", "source"}, digest: "linux/amd64 source"},
		{name: "on a deps image under the lock tag", set: onLock, jobs: []string{sourceAlone}, wrote: []string{"source"}, digest: "linux/amd64 source"},
		{name: "an archive too", set: func(s *fixture) { onLock(s); s.Exports = []solve.Export{archive} },
			jobs: []string{sourceAlone + "; to oci x"}, wrote: []string{"source"}, digest: "linux/amd64 source"},
		{name: "an archive alone", set: func(s *fixture) { fromScratch(s); s.Push, s.Exports = false, []solve.Export{archive} },
			jobs: []string{"linux/amd64 source scratch base; to oci x"}, digest: "linux/amd64 source"},
		{name: "an archive of an existing image", set: func(s *fixture) { s.plans(s.platform("linux/amd64", plan.None)); s.Exports = []solve.Export{archive} },
			jobs: []string{"linux/amd64 source none base; to oci x"}, digest: "linux/amd64 source"},
		{name: "one platform needs a deps image", set: func(s *fixture) {
			s.plans(s.platform("linux/amd64", plan.Scratch, "lock", "versioned", "source"), s.platform("linux/arm64", plan.Lock, "source"))
		}, jobs: []string{depsOfAll, "linux/amd64 source lock r:lock@(linux/amd64 deps); linux/arm64 source lock base; to image r by digest"},
			wrote: []string{"lock", "versioned", "source"}, digest: "-"},
		{name: "one platform exists", set: func(s *fixture) {
			s.plans(s.platform("linux/amd64", plan.Lock, "source"), s.platform("linux/arm64", plan.None))
		},
			jobs: []string{sourceAlone}, wrote: []string{"source"}, digest: "linux/amd64 source"},
		{name: "the deps image fails", set: func(s *fixture) { fromScratch(s); s.fail = plan.StageDeps }, jobs: []string{depsOfAll}, err: errFailed},
		{name: "the source image fails", set: func(s *fixture) { fromScratch(s); s.fail = plan.StageSource },
			jobs: []string{depsOfAll, sourceOnIt}, wrote: []string{"lock", "versioned"}, err: errFailed},
		{name: "the versioned tag cannot be moved", set: func(s *fixture) { fromScratch(s); s.frozen = "versioned" }, jobs: []string{depsOfAll, sourceOnIt},
			wrote: []string{"lock", "source"}, digest: "linux/amd64 source", notes: []string{
				"publishing r:versioned: the tag cannot be moved: 409 Conflict; allow the tag to move (if tags are immutable, by an exception for it), " +
					"or choose another repository with --repository; it stays as it is, and a build that may enter on it does more work",
			}},
		{name: "the lock tag cannot be moved", set: func(s *fixture) { fromScratch(s); s.frozen = "lock" }, jobs: []string{depsOfAll}, err: registry.ErrImmutable},
		{name: "the source tag cannot be moved", set: func(s *fixture) { onLock(s); s.frozen = "source" }, jobs: []string{sourceAlone}, err: registry.ErrImmutable},
		{name: "caches are written with deps", set: func(s *fixture) { fromScratch(s); s.CacheExports = caches },
			jobs: []string{depsOfAll + "; cache registry; cache inline", sourceOnIt + "; cache inline"}, wrote: []string{"lock", "versioned", "source"}, digest: "linux/amd64 source"},
		{name: "caches are not replaced without deps", set: func(s *fixture) { onLock(s); s.CacheExports = caches }, jobs: []string{sourceAlone + "; cache inline"},
			wrote: []string{"source"}, digest: "linux/amd64 source", notes: []string{"cache export skipped: no system, tools or deps step runs"}},
		{name: "a build without publishing writes caches", set: func(s *fixture) {
			fromScratch(s)
			s.Push, s.Exports, s.CacheExports = false, []solve.Export{archive}, caches
		},
			jobs: []string{"linux/amd64 source scratch base; to oci x; cache registry; cache inline"}, digest: "linux/amd64 source"},
	}
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel() // most of the time passes between writing a tag and reading it again
			s := newFixture(t)
			tt.set(s)
			err := s.solveAll(t.Context())
			if !errors.Is(err, tt.err) && !(errors.Is(tt.err, errFailed) && errors.As(err, new(*solve.StepError))) {
				t.Errorf("got %v, want %v", err, tt.err)
			}
			if diff := cmp.Diff(tt.jobs, s.jobs); diff != "" {
				t.Error(diff)
			}
			if !slices.Equal(s.wrote, tt.wrote) || !slices.Equal(s.notes, tt.notes) {
				t.Errorf("wrote %q, said %q", s.wrote, s.notes)
			}
			if err != nil {
				return
			}
			if got := s.result().Digest; tt.digest != "-" && got != s.images[tt.digest].String() {
				t.Errorf("the digest is %q of %v", got, s.images)
			}
		})
	}
}

// errFailed stands for the error of a failed step.
var errFailed = errors.New("a step failed")

// TestNothingToDo checks that nothing runs if all images exist, and that the digest is that of the existing image.
func TestNothingToDo(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	s := newFixture(t)
	s.plans(s.platform("linux/amd64", plan.None))
	result, err := Run(t.Context(), s.Request)
	if err != nil || result.Digest != digest.FromString("existing").String() || result.Response != nil || s.jobs != nil {
		t.Errorf("got %+v, %v", result, err)
	}
}

// TestPushDenied checks that a denied push is reported before anything is built, even if no builder answers.
func TestPushDenied(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	s := newFixture(t)
	s.registry.SetFault(func(w http.ResponseWriter, r *http.Request) bool {
		w.WriteHeader(http.StatusForbidden)
		return true
	})
	s.plans(s.platform("linux/amd64", plan.Lock, "source"))
	s.Project.Tree = &tags.Tree{}
	t.Setenv("BUILDKIT_HOST", "unix:///nowhere.sock")
	if _, err := Run(t.Context(), s.Request); !errors.Is(err, registry.ErrDenied) {
		t.Errorf("got %v", err)
	}
}

// TestReferences checks that the private builder gets the hosts of all references that it accesses.
func TestReferences(t *testing.T) {
	cache := func(kind, ref string) []client.CacheOptionsEntry {
		return []client.CacheOptionsEntry{{Type: kind, Attrs: map[string]string{"ref": ref}}}
	}
	export := func(kind, names string) []solve.Export {
		return []solve.Export{{ExportEntry: client.ExportEntry{Type: kind, Attrs: map[string]string{"name": names}}}}
	}
	for _, tt := range []struct {
		name     string
		settings Settings
		exports  []solve.Export
		want     string
	}{
		{name: "no further references"},
		{name: "deps images of another repository", settings: Settings{Reuse: []string{"reuse.example.com/x"}}, want: "reuse.example.com/x"},
		{name: "a cache to read", settings: Settings{CacheImports: cache("registry", "from.example.com/x:c")}, want: "from.example.com/x:c"},
		{name: "a cache to write", settings: Settings{CacheExports: cache("registry", "to.example.com/x")}, want: "to.example.com/x"},
		{name: "a local cache", settings: Settings{CacheExports: cache("local", "")}},
		{name: "exports under other names", exports: export(client.ExporterImage, "a.example.com/x,b.example.com/x"), want: "a.example.com/x b.example.com/x"},
		{name: "an archive", exports: export(client.ExporterOCI, "a.example.com/x")},
		{name: "an SBOM", settings: Settings{Attests: map[string]string{"attest:sbom": "generator=scan.example.com/x"}}, want: "scan.example.com/x:latest"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := (&Build{Settings: tt.settings}).references(tt.exports)
			got = slices.DeleteFunc(got, func(ref string) bool { return ref == "" })
			if text := strings.Join(got, " "); text != tt.want {
				t.Errorf("got %q, want %q", text, tt.want)
			}
		})
	}
}
