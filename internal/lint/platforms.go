package lint

import (
	"slices"
	"strings"
)

// lostPlatforms finds tags that hold platforms which are not built, and would hold them no more.
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

// built says whether a platform is one of some. The variants that mean the same (arm64 and arm64/v8) are the same.
func built(platforms []string, platform string) bool {
	return slices.ContainsFunc(platforms, func(p string) bool { return plain(p) == plain(platform) })
}

// plain leaves the variant out that is every image's of its architecture.
func plain(platform string) string {
	if rest, ok := strings.CutSuffix(platform, "/arm64/v8"); ok {
		return rest + "/arm64"
	}
	if rest, ok := strings.CutSuffix(platform, "/arm/v7"); ok {
		return rest + "/arm"
	}
	return platform
}
