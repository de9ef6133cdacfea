package build

import (
	"context"
	"testing"

	"github.com/moby/buildkit/client/llb/sourceresolver"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/opencontainers/go-digest"

	"github.com/rtbuild/rtbuild/internal/plan"
)

type resolver struct {
	gateway.Client
	asked  []string
	digest digest.Digest
}

func (r *resolver) ResolveImageConfig(_ context.Context, ref string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	r.asked = append(r.asked, ref)
	return ref, r.digest, []byte("resolved"), nil
}

// An image that the plan has looked at gives the same facts without being asked for again; no other takes its place.
func TestFacts(t *testing.T) {
	dgst, other := digest.FromString("image"), digest.FromString("another")
	entry := &plan.Image{Reference: "registry.example.com/agent:deps", Digest: dgst, Config: []byte("seen")}
	bare := &plan.Image{Reference: entry.Reference, Digest: dgst}
	for _, tt := range []struct {
		name, from string
		entry      *plan.Image
		config     string
	}{
		{"nothing looked at", entry.Pinned(), nil, "resolved"},
		{"the image itself", entry.Pinned(), entry, "seen"},
		{"its config not kept", entry.Pinned(), bare, "resolved"},
		{"another image", entry.Reference + "@" + other.String(), entry, "resolved"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := &resolver{digest: dgst}
			b := &builder{client: r, req: Request{From: tt.from, Entry: tt.entry}}
			got, err := b.facts(t.Context())
			if err != nil || got.Ref != tt.from || string(got.Config) != tt.config || b.digest != dgst.String() {
				t.Errorf("got %s, %s, digest %s, %v", got.Ref, got.Config, b.digest, err)
			}
			if resolved := len(r.asked) > 0; resolved != (tt.config == "resolved") {
				t.Errorf("asked for %q", r.asked)
			}
		})
	}
}
