package plan

import (
	"fmt"

	"github.com/containerd/platforms"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/tags/labels"
)

// Claim is the platform that one part of an image names.
type Claim struct {
	By       string // the part: "the index", "the config"
	Platform ocispecs.Platform
}

// Disagreement returns an error if two parts of an image name different platforms, and nil if all agree. A part without a
// platform agrees with every other, and a platform without a variant agrees with any variant. A label or an annotation of the
// image named [labels.Platform] counts as well.
func Disagreement(claims []Claim, ofImage, annotations map[string]string) error {
	for _, source := range []struct {
		by     string
		values map[string]string
	}{{"the config's label " + labels.Platform, ofImage}, {"the manifest's annotation " + labels.Platform, annotations}} {
		text := source.values[labels.Platform]
		if text == "" {
			continue
		}
		platform, err := platforms.Parse(text)
		if err != nil {
			return fmt.Errorf("%s is not a valid platform: %w", source.by, err)
		}
		claims = append(claims, Claim{source.by, platform})
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

// SamePlatform reports whether two platforms may be the same: arm64 and arm64/v8 are. A missing variant matches any variant,
// and an empty platform matches any platform.
func SamePlatform(a, b ocispecs.Platform) bool {
	if a.OS == "" && a.Architecture == "" || b.OS == "" && b.Architecture == "" {
		return true
	}
	anyVariant := a.Variant == "" || b.Variant == ""
	a, b = platforms.Normalize(a), platforms.Normalize(b)
	return a.OS == b.OS && a.Architecture == b.Architecture && (anyVariant || a.Variant == b.Variant)
}
