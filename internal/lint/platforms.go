package lint

import (
	"slices"
	"strings"
)

// lostPlatforms finds tags that would lose platforms, because the build does not include them.
func lostPlatforms(in Input) []Finding {
	var all []Finding
	for _, tag := range in.Published {
		lost := slices.DeleteFunc(slices.Clone(tag.Platforms), func(p string) bool { return built(in.Platforms, p) })
		if len(lost) == 0 && len(tag.Platforms) > 0 {
			continue
		}
		what, add := "the other platforms", "them"
		if len(lost) > 0 {
			what = strings.Join(lost, ", ")
			add = what
		}
		all = append(all, PlatformsLost.found(in.field("repository"), "%s would lose %s: build %s as well, or use a repository for each platform",
			tag.Reference, what, add))
	}
	return all
}

// built reports whether a platform is among platforms. Default variants are equal: arm64 and arm64/v8.
func built(platforms []string, platform string) bool {
	return slices.ContainsFunc(platforms, func(p string) bool { return normalize(p) == normalize(platform) })
}

// normalize removes the default variant of an architecture.
func normalize(platform string) string {
	if rest, ok := strings.CutSuffix(platform, "/arm64/v8"); ok {
		return rest + "/arm64"
	}
	if rest, ok := strings.CutSuffix(platform, "/arm/v7"); ok {
		return rest + "/arm"
	}
	return platform
}
