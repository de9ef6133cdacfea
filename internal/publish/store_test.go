package publish

import (
	"context"
	"errors"
	"testing"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/client"
	"github.com/opencontainers/go-digest"

	"github.com/rtbuild/rtbuild/internal/engine"
	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/internal/planning"
)

// images is the part of a Docker engine's API that tells what names point to.
type images struct {
	client.APIClient
	has map[string]digest.Digest
}

func (i images) ImageInspect(_ context.Context, ref string, _ ...client.ImageInspectOption) (client.ImageInspectResult, error) {
	var found client.ImageInspectResult
	if i.has[ref] == "" {
		return found, cerrdefs.ErrNotFound
	}
	found.ID = i.has[ref].String()
	return found, nil
}

// TestGone: a build does not start if an image that the plan enters on has left the engine's store, or has another content.
func TestGone(t *testing.T) {
	one, other := digest.FromString("one"), digest.FromString("other")
	for _, tt := range []struct {
		name, from, build string
		gone              string
	}{
		{name: "it is there", from: "a:lock@" + one.String(), build: "a:build@" + one.String()},
		{name: "another image has its name", from: "a:lock@" + other.String(), gone: "a:lock"},
		{name: "it was removed", from: "a:old@" + one.String(), gone: "a:old"},
		{name: "the build image was removed", from: "a:lock@" + one.String(), build: "a:gone@" + one.String(), gone: "a:gone"},
		{name: "a base of a registry", from: "debian:bookworm@" + one.String()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t)
			f.Destination.Repository = "a"
			f.Destination.Engine = &engine.Engine{APIClient: images{has: map[string]digest.Digest{"a:lock": one, "a:build": one}}}
			r := &run{Request: f.Request}
			r.Plan = &planning.Result{Platforms: []planning.PlatformPlan{{Plan: &plan.Plan{From: tt.from, Build: tt.build}}}}
			err := r.checkEntries(t.Context())
			gone := new(GoneError)
			if errors.As(err, &gone); gone.Ref != tt.gone || (err != nil) != (tt.gone != "") {
				t.Errorf("got %v, want %q", err, tt.gone)
			}
		})
	}
}
