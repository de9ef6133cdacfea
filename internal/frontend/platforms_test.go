package frontend_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"

	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/internal/testkit/fakegateway"
	"github.com/rtbuild/rtbuild/tags/labels"
)

// TestPlatforms: each platform has a plan of its own, which is announced with its name, and an image of the result.
func TestPlatforms(t *testing.T) {
	s := newScene(t)
	s.exists("lock")
	lock := s.names().Images.Lock
	s.Images[lock+" linux/amd64"] = s.Images[lock]
	s.Images[lock] = fakegateway.Image{Err: fakegateway.ErrOtherPlatform}
	res := s.set("platform", "linux/amd64,linux/arm64").must()
	if got := slices.Sorted(maps.Keys(res.Refs)); !slices.Equal(got, []string{"linux/amd64", "linux/arm64"}) || res.Ref != nil {
		t.Errorf("the images are %q, %v", got, res.Ref)
	}
	if planned := s.planned(); len(planned) != 2 || !strings.HasPrefix(planned[0], "linux/amd64: lock: ") || !strings.HasPrefix(planned[1], "linux/arm64: scratch: ") {
		t.Errorf("planned %q", planned)
	}
	for _, arch := range []string{"amd64", "arm64"} {
		if img := config(t, res, "linux/"+arch); img.Architecture != arch {
			t.Errorf("the image of %s is for %s", arch, img.Architecture)
		}
	}
	var plans map[string]plan.JSON
	if err := json.Unmarshal(res.Metadata["frontend.rtbuild.plan"], &plans); err != nil || plans["linux/amd64"].Variant != plan.Lock || plans["linux/arm64"].Variant != plan.Scratch {
		t.Errorf("the metadata are %v, %v", plans, err)
	}
	// Both platforms are published: the source tag, and nothing of the deps image (lock) that one of them stands on.
	if names := string(res.Metadata[exptypes.ExporterImageNameKey]); names != s.names().Images.Source {
		t.Errorf("the names are %s", names)
	}
}

// TestAPlatformFails: the image of no platform comes without the others.
func TestAPlatformFails(t *testing.T) {
	s := newScene(t)
	s.Images[debian+" linux/arm64"] = fakegateway.Image{Err: fakegateway.ErrOtherPlatform}
	res, err := s.set("platform", "linux/amd64,linux/arm64").build()
	if err == nil || res != nil || !strings.Contains(err.Error(), "does not exist for linux/arm64") || position(err) != "runtime.yaml:1" {
		t.Errorf("got %v, %v at %q", res, err, position(err))
	}
}

// TestOtherPlatforms: a tag that holds another platform only is replaced, which is told.
func TestOtherPlatforms(t *testing.T) {
	for _, tt := range []struct{ name, target, role, want string }{
		{"the source tag", "source", "source", "exists, but not for linux/amd64"},
		{"the lock tag", "deps", "lock", "exists, but not for linux/amd64"},
		{"nothing exists", "deps", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene(t).set("target", tt.target)
			names := s.names().Images
			if ref := map[string]string{"source": names.Source, "lock": names.Lock}[tt.role]; ref != "" {
				s.Images[ref] = fakegateway.Image{Err: fakegateway.ErrOtherPlatform}
			}
			s.must()
			var got []string
			for _, w := range s.Warnings() {
				if strings.Contains(w.Text, "exists, but not for") {
					got = append(got, w.Text)
				}
			}
			if len(got) != min(1, len(tt.want)) || len(got) == 1 && !strings.Contains(got[0], tt.want) {
				t.Errorf("warned %q", got)
			}
		})
	}
}

// TestHandOver: with a provenance, a second frontend may build what this one has planned. That is so if this one has looked at images that
// the build does not use: BuildKit takes each of them for a material.
func TestHandOver(t *testing.T) {
	stale := func(s *scene) {
		s.exists("lock")
		s.publish("source", s.names().Images.Source, func(own map[string]string) { own[labels.SourceDigest] = "other" })
	}
	tests := []struct {
		name   string
		change func(*scene)
		over   bool
		asked  string // by the second frontend
		plan   plan.Variant
	}{
		{name: "no provenance", change: stale},
		{name: "it is turned off", change: func(s *scene) { stale(s); s.set("attest:provenance", "disabled=true") }},
		{name: "all that was looked at is used", change: func(s *scene) { s.exists("lock"); s.set("attest:provenance", "mode=min") }},
		{name: "nothing was there", change: func(s *scene) { s.set("attest:provenance", "mode=min") }},
		{name: "an image was looked at in vain", change: func(s *scene) { stale(s); s.set("attest:provenance", "mode=min") }, over: true, asked: "lock", plan: plan.Lock},
		{name: "the base was looked at for its digest", change: func(s *scene) {
			s.exists("lock")
			s.set("attest:provenance", "", "build-arg:PULL", "1")
		}, over: true, asked: "lock", plan: plan.Lock},
		{name: "a deps image that is given", change: func(s *scene) {
			stale(s)
			s.set("attest:provenance", "mode=max", "context:deps", "input:other",
				"input-metadata:other", `{"containerimage.config":"`+encoded(s.Images[s.names().Images.Lock].Config)+`"}`)
			s.Targets["other"] = llb.Scratch().File(llb.Mkdir("/x", 0o755), llb.WithCustomName("[other] make it"))
		}, over: true, plan: plan.Lock},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene(t)
			tt.change(s)
			s.must()
			last := s.image()
			if over := last.Frontend == "gateway.v0"; over != tt.over {
				t.Fatalf("handed over: %t", over)
			}
			if !tt.over {
				return
			}
			if got := slices.Sorted(maps.Keys(last.FrontendInputs)); !slices.Equal(got, slices.Sorted(maps.Keys(s.Targets))) {
				t.Errorf("the inputs are %q", got)
			}
			next := s.again()
			next.Options.Opts, next.Targets = last.FrontendOpt, s.Targets
			res := next.must()
			if got := config(t, res, "").Config.Labels[labels.Stage]; got != "source" || next.image().Frontend != "" {
				t.Errorf("the second frontend made an image of stage %q", got)
			}
			names := s.again().set("context:deps", "").names()
			var asked []string
			for _, ref := range next.Refs() {
				asked = append(asked, short(names, ref))
			}
			if got := strings.Join(asked, " "); got != tt.asked || len(next.planned()) > 0 {
				t.Errorf("the second frontend asked for %q, and planned %q", got, next.planned())
			}
			var plans map[string]plan.JSON
			if err := json.Unmarshal(res.Metadata["frontend.rtbuild.plan"], &plans); err != nil || plans["linux/amd64"].Variant != tt.plan {
				t.Errorf("planned %v, %v", plans, err)
			}
			if diff := cmp.Diff(plans, handed(t, last)); diff != "" {
				t.Errorf("the plans differ:\n%s", diff)
			}
		})
	}
}

// encoded is text as JSON has bytes.
func encoded(text string) string {
	data, err := json.Marshal([]byte(text))
	if err != nil {
		panic(err)
	}
	return strings.Trim(string(data), `"`)
}

// handed are the plans that a request hands over.
func handed(t *testing.T, solve fakegateway.Solve) map[string]plan.JSON {
	t.Helper()
	var plans map[string]plan.JSON
	if err := json.Unmarshal([]byte(solve.FrontendOpt["rtbuild.plans"]), &plans); err != nil {
		t.Fatal(err)
	}
	return plans
}
