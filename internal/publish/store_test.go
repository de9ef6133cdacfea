package publish

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/opencontainers/go-digest"

	"github.com/rtbuild/rtbuild/internal/engine"
	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/internal/planning"
	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
	"github.com/rtbuild/rtbuild/internal/testkit/fakeengine"
	"github.com/rtbuild/rtbuild/internal/testkit/fakegateway"
)

// TestGone: a build does not start if an image that the plan enters on has left the engine's store, or has another content. Once it has
// started, its entries stay, also if another build moves their tags.
func TestGone(t *testing.T) {
	for _, tt := range []struct {
		name, from, build string // "@" stands for the digest of the image that is there
		gone              string
	}{
		{name: "it is there", from: "a:lock@", build: "a:build@"},
		{name: "another image has its name", from: "a:lock@" + digest.FromString("other").String(), gone: "a:lock"},
		{name: "it was removed", from: "a:old@", gone: "a:old"},
		{name: "the build image was removed", from: "a:lock@", build: "a:gone@", gone: "a:gone"},
		{name: "a base of a registry", from: "debian:bookworm@"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, fake := newStore(t)
			has := fake.Put("a:lock", "linux/amd64", "")
			fake.Put("a:build", "linux/amd64", "")
			pinned := func(ref string) string {
				if strings.HasSuffix(ref, "@") {
					ref += has.String()
				}
				return ref
			}
			r := &run{Request: f.Request}
			r.Plan = &planning.Result{Platforms: []planning.PlatformPlan{{Plan: &plan.Plan{From: pinned(tt.from), Build: pinned(tt.build)}}}}
			err := r.holdEntries(t.Context())
			gone := new(GoneError)
			if errors.As(err, &gone); gone.Ref != tt.gone || (err != nil) != (tt.gone != "") {
				t.Errorf("got %v, want %q", err, tt.gone)
			}
			if tt.gone == "" && strings.HasPrefix(tt.from, "a:") {
				fake.Put("a:lock", "linux/amd64", "of another build")
				name, of, _ := strings.Cut(r.entry(pinned(tt.from)).Ref, "@")
				if now, err := f.Destination.Engine.Resolve(t.Context(), name); err != nil || now.String() != of || now != has {
					t.Errorf("the entry %s points to %s, not to %s; %v", name, now, of, err)
				}
			}
			r.untag(t.Context())
			if got := strings.Join(fake.Names(), " "); strings.Contains(got, ":new-") {
				t.Errorf("the names are %s", got)
			}
		})
	}
}

// newStore returns a fixture whose images live in an engine's store. A request to a registry fails the test.
func newStore(t *testing.T) (*fixture, *fakeengine.Engine) {
	t.Helper()
	f := newFixture(t)
	fake, err := fakeengine.Start()
	projecttest.Must(t, err)
	t.Cleanup(func() { _ = fake.Close() })
	f.Destination.Repository, f.Destination.Engine = "a", &engine.Engine{APIClient: fake.Client}
	f.Project = newProject(t, "a")
	f.registry.SetFault(func(_ http.ResponseWriter, r *http.Request) bool {
		t.Errorf("the registry is asked: %s %s", r.Method, r.URL)
		return false
	})
	f.builder.Export = func(_ context.Context, opt client.SolveOpt, res *gateway.Result) ([]string, error) {
		var known exptypes.Platforms
		if err := json.Unmarshal(res.Metadata[exptypes.ExporterPlatformsKey], &known); err != nil {
			return nil, err
		}
		name, platform := opt.Exports[0].Attrs["name"], known.Platforms[0].ID
		made := fake.Put(name, platform, name)
		f.builder.Gateway.Images[name+"@"+made.String()+" "+platform] = fakegateway.Image{
			Config: string(res.Metadata[exptypes.ExporterImageConfigKey]), Digest: made,
		}
		return slices.Repeat([]string{made.String()}, len(opt.Exports)), nil
	}
	return f, fake
}

// TestStore: the images get their names when they are there. What another build has written meanwhile for another platform stays, and the
// names of the user are names in the store, whatever their repository.
func TestStore(t *testing.T) {
	f, fake := newStore(t)
	fake.Put("a:dev", "linux/arm64", "old")
	export := f.builder.Export
	var once sync.Once
	f.builder.Export = func(ctx context.Context, opt client.SolveOpt, res *gateway.Result) ([]string, error) {
		once.Do(func() { fake.Put("a:lock", "linux/arm64", "of another build") })
		return export(ctx, opt, res)
	}
	f.Tags = []string{"me/agent:dev", "a:dev", "registry.example.com/b:1"}
	f.plans(f.platform("linux/amd64", plan.Scratch, "lock", "versioned", "source"))
	_, err := Run(t.Context(), f.Request)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"a:dev linux/amd64", "a:lock linux/amd64 linux/arm64", "a:source linux/amd64", "a:versioned linux/amd64",
		"docker.io/me/agent:dev linux/amd64", "registry.example.com/b:1 linux/amd64",
	}
	if got := fake.Names(); !slices.Equal(got, want) {
		t.Errorf("the names are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestStoreHasAll: an image that is there already gets the user's names, without a builder.
func TestStoreHasAll(t *testing.T) {
	f, fake := newStore(t)
	fake.Put("a:source", "linux/amd64", "")
	f.Tags = []string{"a:dev", "me/agent:dev"}
	f.plans(f.platform("linux/amd64", plan.None))
	_, err := Run(t.Context(), f.Request)
	if err != nil {
		t.Fatal(err)
	}
	if got := fake.Names(); !slices.Equal(got, []string{"a:dev linux/amd64", "a:source linux/amd64", "docker.io/me/agent:dev linux/amd64"}) || len(f.connected) > 0 {
		t.Errorf("the names are %q, connected to %q", got, f.connected)
	}
}

// TestStoreFails: if an image cannot be named, the run fails, the names keep what they hold, and the image's own name goes.
func TestStoreFails(t *testing.T) {
	f, fake := newStore(t)
	fake.Put("a:source", "linux/arm64", "old")
	fake.Fault = func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/images/load") {
			return false
		}
		fakeengine.Fail(w, "no space left on device")
		return true
	}
	f.plans(f.platform("linux/amd64", plan.Scratch, "source"))
	_, err := Run(t.Context(), f.Request)
	if failed := new(BuildError); !errors.As(err, &failed) || !strings.Contains(err.Error(), "naming a:source in the Docker engine: no space left on device") {
		t.Errorf("got %v", err)
	}
	if got := fake.Names(); !slices.Equal(got, []string{"a:source linux/arm64"}) || len(f.notes) > 0 {
		t.Errorf("the names are %q, the notes %q", got, f.notes)
	}
}
