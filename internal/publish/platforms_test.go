package publish

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/imagebuild"
	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/internal/planning"
	"github.com/rtbuild/rtbuild/internal/registry"
	"github.com/rtbuild/rtbuild/tags/labels"
)

// build runs the fixture's request.
func build(t *testing.T, f *fixture) error {
	t.Helper()
	_, err := Run(t.Context(), f.Request)
	return err
}

// TestRunsSteps checks for which platforms the builder has to run programs.
func TestRunsSteps(t *testing.T) {
	for _, tt := range []struct {
		name, extra string
		amd64       plan.Variant
		arm64       plan.Variant
		want        string
	}{
		{"nothing to do", "", plan.None, plan.None, ""},
		{"source is copied", "", plan.Lock, plan.Lock, ""},
		{"deps are installed", "", plan.Scratch, plan.Versioned, "linux/amd64 linux/arm64"},
		{"one platform needs a deps image", "", plan.Lock, plan.Scratch, "linux/arm64"},
		{"an extra command", "true", plan.Lock, plan.None, "linux/amd64"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("DOCKER_CONFIG", t.TempDir())
			f := newFixture(t)
			f.Project.Runtime.Extra = tt.extra
			f.plans(f.platform("linux/amd64", tt.amd64), f.platform("linux/arm64", tt.arm64))
			if got := formatted((&run{Request: f.Request}).runsSteps()); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestOtherPlatformsAreKept checks that a tag keeps what it holds for platforms that are not built, by the time it is written.
func TestOtherPlatformsAreKept(t *testing.T) {
	for _, tt := range []struct {
		name   string
		before []string // platforms that the source tag holds, one after the other
		want   string
	}{
		{"nothing", nil, "linux/amd64"},
		{"the same platform", []string{"linux/amd64"}, "linux/amd64"},
		{"another platform", []string{"linux/arm64"}, "linux/amd64 linux/arm64"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("DOCKER_CONFIG", t.TempDir())
			f := newFixture(t)
			for _, name := range tt.before {
				if _, err := f.registry.PushImage(t.Context(), "a", "source", ocispecs.Image{Platform: platforms.MustParse(name)}); err != nil {
					t.Fatal(err)
				}
			}
			f.plans(f.platform("linux/amd64", plan.Lock, "source"))
			f.Plan.MergesIndex = true
			if err := build(t, f); err != nil {
				t.Fatal(err)
			}
			img, err := f.Destination.Registry.Lookup(t.Context(), f.Project.Tags.Images.Source, platforms.MustParse("linux/amd64"))
			if err != nil || img.Config.Config.Labels[labels.Stage] != plan.StageSource {
				t.Fatalf("got %+v, %v", img, err)
			}
			all := img.Platforms
			if len(all) == 0 {
				all = []ocispecs.Platform{img.Config.Platform}
			}
			slices.SortFunc(all, func(a, b ocispecs.Platform) int { return strings.Compare(a.Architecture, b.Architecture) })
			if got := formatted(all); got != tt.want {
				t.Errorf("the tag holds %q, want %q", got, tt.want)
			}
		})
	}
}

// TestBrokenTag checks that a tag whose content cannot be read is written only if it may be replaced.
func TestBrokenTag(t *testing.T) {
	for _, tt := range []struct {
		name    string
		replace bool
		err     error
		wrote   []string
	}{{"it stays", false, registry.ErrBroken, nil}, {"it is replaced", true, nil, []string{"source"}}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("DOCKER_CONFIG", t.TempDir())
			f := newFixture(t)
			f.registry.SetFault(func(w http.ResponseWriter, r *http.Request) bool {
				if r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, "/manifests/source") || len(f.wrote) > 0 {
					return f.watch(w, r)
				}
				w.Header().Set("Content-Type", ocispecs.MediaTypeImageIndex)
				_, _ = w.Write([]byte("no JSON"))
				return true
			})
			f.plans(f.platform("linux/amd64", plan.Lock, "source"))
			f.Replace = tt.replace
			if err := build(t, f); !errors.Is(err, tt.err) || !slices.Equal(f.wrote, tt.wrote) {
				t.Errorf("got %v, wrote %q", err, f.wrote)
			}
		})
	}
}

// TestPlatformRequests checks what each platform's request says of its own.
func TestPlatformRequests(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	f := newFixture(t)
	f.Annotations = func(p ocispecs.Platform) map[string]string { return map[string]string{"for": p.Architecture} }
	f.Plan = &planning.Result{Platforms: []planning.PlatformPlan{f.platform("linux/amd64", plan.Scratch), f.platform("linux/arm64", plan.Lock)}}
	got := (&run{Request: f.Request}).platformRequests(imagebuild.Request{Tree: "tree"})
	for i, want := range f.Plan.Platforms {
		r := got[i]
		if r.Platform.Architecture != want.Platform.Architecture || r.Variant != want.Variant || r.Entry.Ref != want.From || r.Tree != "tree" ||
			r.Annotations["for"] != want.Platform.Architecture {
			t.Errorf("request %d is %+v", i, r)
		}
	}
}

// TestDownloads checks when tools are downloaded here and not by the builder: if only this side has the trust or the proxy for it.
func TestDownloads(t *testing.T) {
	for _, tt := range []struct {
		name  string
		build Build
		want  bool
	}{
		{"nothing is special", Build{}, false},
		{"authorities of the user's", Build{Settings: Settings{CAFile: "ca.pem"}}, true},
		{"a proxy", Build{Settings: Settings{Common: imagebuild.Request{Proxy: &llb.ProxyEnv{HTTPSProxy: "http://proxy"}}}}, true},
		{"a proxy for everything", Build{Settings: Settings{Common: imagebuild.Request{Proxy: &llb.ProxyEnv{AllProxy: "http://proxy"}}}}, true},
		{"no proxy but exceptions", Build{Settings: Settings{Common: imagebuild.Request{Proxy: &llb.ProxyEnv{NoProxy: "localhost"}}}}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.build.downloads(); got != tt.want {
				t.Errorf("got %t", got)
			}
		})
	}
}
