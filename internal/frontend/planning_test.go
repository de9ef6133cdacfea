package frontend

import (
	"errors"
	"testing"

	"github.com/containerd/platforms"
	bkllb "github.com/moby/buildkit/client/llb"
	"github.com/opencontainers/go-digest"

	"github.com/rtbuild/rtbuild/internal/imagebuild"
	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/internal/planning"
	"github.com/rtbuild/rtbuild/internal/testkit/fakegateway"
	"github.com/rtbuild/rtbuild/llb"
	"github.com/rtbuild/rtbuild/tags"
)

// TestEntry: the config that a plan has learned is used for the image that the plan enters on, and for no other.
func TestEntry(t *testing.T) {
	seen := &plan.Image{Reference: "r.example.com/agent:deps", Digest: digest.FromString("image"), Config: []byte("seen")}
	bare := &plan.Image{Reference: seen.Reference, Digest: seen.Digest}
	state := bkllb.Scratch()
	given := &imagebuild.EntryImage{State: &state, Config: []byte("given")}
	for _, tt := range []struct {
		name   string
		plan   platformPlan
		config string
	}{
		{"nothing is known", platformPlan{plan: &plan.Plan{From: seen.Pinned()}}, ""},
		{"the plan has seen it", platformPlan{plan: &plan.Plan{From: seen.Pinned(), Entry: seen}}, "seen"},
		{"the config was not kept", platformPlan{plan: &plan.Plan{From: seen.Pinned(), Entry: bare}}, ""},
		{"another image came in its place", platformPlan{plan: &plan.Plan{From: "r.example.com/agent:other", Entry: seen}}, ""},
		{"a context is given", platformPlan{plan: &plan.Plan{From: "debian"}, image: given}, "given"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := tt.plan.entry()
			if got.Ref != tt.plan.plan.From || string(got.Config) != tt.config || (got.State != nil) != (tt.plan.image != nil) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// TestLookup: what the builder answers, and how the error reads after planning.
func TestLookup(t *testing.T) {
	const ours, theirs = "r.example.com/a:lock", "x.example.com/a:lock"
	amd64 := platforms.MustParse("linux/amd64")
	for _, tt := range []struct {
		name   string
		answer fakegateway.Image
		ref    string
		want   error
		text   string // of what planning makes of it
	}{
		{"it is there", fakegateway.Image{Config: `{"os":"linux","architecture":"amd64"}`}, ours, nil, ""},
		{"absent", fakegateway.Image{Err: errors.New("r.example.com/a:lock: not found")}, ours, planning.ErrAbsent, ""},
		{"absent for the platform", fakegateway.Image{Err: fakegateway.ErrOtherPlatform}, ours, planning.ErrOtherPlatform, ""},
		{"for another platform", fakegateway.Image{Config: `{"os":"linux","architecture":"arm64"}`}, ours, planning.ErrBroken,
			"the deps image r.example.com/a:lock is broken, its parts are for different platforms: the config says linux/arm64, the tag says linux/amd64: " +
				"push it again, or delete the tag"},
		{"its parts disagree", fakegateway.Image{Config: `{"os":"linux","architecture":"amd64","config":{"Labels":{"io.rtbuild.platform":"linux/s390x"}}}`}, theirs, planning.ErrBroken,
			"build argument REUSE_FROM: the deps image x.example.com/a:lock is broken, its parts are for different platforms: the config says linux/amd64, " +
				"the config's label io.rtbuild.platform says linux/s390x: push it again, or delete the tag"},
		{"denied", fakegateway.Image{Err: errors.New("401 Unauthorized")}, ours, planning.ErrDenied,
			"looking for the deps image: the builder may not read image r.example.com/a:lock: log in to its registry: failed to resolve source metadata for r.example.com/a:lock: 401 Unauthorized" +
				"; if the repository does not exist yet, --build-arg FORCE_REBUILD=1 builds without looking"},
		{"denied elsewhere", fakegateway.Image{Err: errors.New("403 Forbidden")}, theirs, planning.ErrDenied,
			"build argument REUSE_FROM: looking for the deps image: the builder may not read image x.example.com/a:lock: log in to its registry: failed to resolve source metadata for x.example.com/a:lock: 403 Forbidden" +
				"; if the repository does not exist, leave it out"},
		{"unreachable", fakegateway.Image{Err: errors.New("connection refused")}, ours, planning.ErrUnreachable,
			"looking for the deps image: the builder cannot resolve image r.example.com/a:lock: failed to resolve source metadata for r.example.com/a:lock: connection refused"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := fakegateway.New()
			c.Images[tt.ref] = tt.answer
			l := &looker{job: &job{frontend: &frontend{client: c}, tags: tags.Set{Lock: "lock", Source: "source"}}}
			img, err := l.Lookup(t.Context(), tt.ref, amd64)
			if !errors.Is(err, tt.want) || (img == nil) != (tt.want != nil) {
				t.Fatalf("got %v, %v", img, err)
			}
			if title := "[plan] does the deps image " + tt.ref + " exist?"; len(c.Lookups()) != 1 || c.Lookups()[0].Title != title {
				t.Errorf("asked %+v", c.Lookups())
			}
			if tt.text == "" {
				return
			}
			err = explain(&planning.LookupError{Role: planning.RoleLock, Ref: tt.ref, Own: tt.ref == ours, Err: err})
			if err == nil || err.Error() != tt.text {
				t.Errorf("got %v", err)
			}
			if field := new(llb.FieldError); errors.As(err, &field) != (tt.ref == ours) {
				t.Errorf("points at the field %q", field.Field)
			}
		})
	}
}
