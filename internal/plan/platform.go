package plan

import (
	"fmt"

	"github.com/containerd/platforms"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// Claim is what one part of an image says it is for: "the index", "the config".
type Claim struct {
	By       string
	Platform ocispecs.Platform
}

// Disagreement returns an error that names two parts of an image that are for different platforms, and nil if all agree. A part
// that names no platform agrees with every other; one that names no variant agrees with any variant. What the image's labels
// or annotations say under LabelPlatform counts as well.
func Disagreement(claims []Claim, labels, annotations map[string]string) error {
	for _, said := range []struct {
		by  string
		set map[string]string
	}{{"the config's label " + LabelPlatform, labels}, {"the manifest's annotation " + LabelPlatform, annotations}} {
		text := said.set[LabelPlatform]
		if text == "" {
			continue
		}
		platform, err := platforms.Parse(text)
		if err != nil {
			return fmt.Errorf("%s is no platform: %w", said.by, err)
		}
		claims = append(claims, Claim{said.by, platform})
	}
	for i, one := range claims {
		for _, other := range claims[i+1:] {
			if !SamePlatform(one.Platform, other.Platform) {
				return fmt.Errorf("%s says %s, %s says %s", one.By, platforms.Format(one.Platform), other.By, platforms.Format(other.Platform))
			}
		}
	}
	return nil
}

// SamePlatform reports whether two platforms may mean the same: arm64 and arm64/v8 do, and so do those of which one does not say
// its variant, or nothing at all.
func SamePlatform(a, b ocispecs.Platform) bool {
	if a.OS == "" && a.Architecture == "" || b.OS == "" && b.Architecture == "" {
		return true
	}
	anyVariant := a.Variant == "" || b.Variant == ""
	a, b = platforms.Normalize(a), platforms.Normalize(b)
	return a.OS == b.OS && a.Architecture == b.Architecture && (anyVariant || a.Variant == b.Variant)
}
