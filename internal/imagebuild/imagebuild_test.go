package imagebuild

import (
	"context"
	"testing"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/opencontainers/go-digest"
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

// TestFacts: an image whose config is known is not asked for.
func TestFacts(t *testing.T) {
	dgst := digest.FromString("image")
	const tag = "registry.example.com/agent:deps"
	pinned := tag + "@" + dgst.String()
	state := llb.Scratch()
	for _, tt := range []struct {
		name   string
		entry  EntryImage
		ref    string
		config string
	}{
		{"only its name is known", EntryImage{Ref: pinned}, pinned, "resolved"},
		{"only its tag is known", EntryImage{Ref: tag}, pinned, "resolved"},
		{"its config is known", EntryImage{Ref: pinned, Digest: dgst, Config: []byte("known")}, pinned, "known"},
		{"it is in no registry", EntryImage{Ref: "debian", State: &state, Digest: dgst, Config: []byte("known")}, "debian", "known"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := &resolver{digest: dgst}
			b := &builder{client: r, req: Request{Entry: tt.entry}}
			got, err := b.facts(t.Context())
			if err != nil || got.Ref != tt.ref || string(got.Config) != tt.config || got.State != tt.entry.State || b.digest != dgst.String() {
				t.Errorf("got %s, %s, digest %s, %v", got.Ref, got.Config, b.digest, err)
			}
			if resolved := len(r.asked) > 0; resolved != (tt.config == "resolved") {
				t.Errorf("asked for %q", r.asked)
			}
		})
	}
}
