package engine

import (
	"slices"
	"testing"

	"github.com/containerd/platforms"
	"github.com/moby/moby/api/types/image"
	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

func manifest(platform string, available bool) image.ManifestSummary {
	m := image.ManifestSummary{Kind: image.ManifestKindImage, Available: available, ImageData: &image.ImageProperties{Platform: platforms.MustParse(platform)}}
	m.Descriptor.Digest = digest.FromString(platform)
	return m
}

// TestWithout: only images of other platforms whose content is there are kept, with their attestations.
func TestWithout(t *testing.T) {
	signed := image.ManifestSummary{Kind: image.ManifestKindAttestation, AttestationData: &image.AttestationProperties{For: digest.FromString("linux/arm64")}}
	stored := Manifests{manifest("linux/amd64", true), manifest("linux/arm64", true), manifest("linux/s390x", false), signed}
	for _, tt := range []struct {
		name, than string
		keeps      []string
	}{
		{"one of two", "linux/amd64", []string{"linux/arm64"}},
		{"the other", "linux/arm64", []string{"linux/amd64"}},
		{"a third", "linux/riscv64", []string{"linux/amd64", "linux/arm64"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			kept := stored.without([]ocispecs.Platform{platforms.MustParse(tt.than)})
			var names []string
			for _, p := range kept.platforms() {
				names = append(names, platforms.Format(p))
			}
			if !slices.Equal(names, tt.keeps) {
				t.Errorf("got %q, want %q", names, tt.keeps)
			}
			attested := slices.ContainsFunc(kept, func(m image.ManifestSummary) bool { return m.AttestationData != nil })
			if attested != slices.Contains(tt.keeps, "linux/arm64") {
				t.Errorf("an attestation was kept: %t", attested)
			}
		})
	}
	if len(stored[:1].without([]ocispecs.Platform{platforms.MustParse("linux/amd64")})) > 0 {
		t.Error("a name that holds only this platform holds no other")
	}
}
