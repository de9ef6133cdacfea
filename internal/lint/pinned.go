package lint

import (
	"cmp"
	"slices"
	"strings"

	"github.com/rtbuild/rtbuild/internal/runtimefile"
)

// unpinnedBase finds a base without a digest.
func unpinnedBase(in Input) []Finding {
	base := in.Runtime.Base
	if base == "" || strings.Contains(base, "@") {
		return nil
	}
	if in.BaseDigest != "" {
		return []Finding{UnpinnedBase.found(in.field("base"),
			"the base %s may point to another image tomorrow: write base: %s@%s, its current digest", base, base, in.BaseDigest)}
	}
	return []Finding{UnpinnedBase.found(in.field("base"),
		"the base %s may point to another image tomorrow: write base: %s@sha256:DIGEST; docker buildx imagetools inspect %s shows its digest", base, base, base)}
}

// unpinnedTools finds tools whose URL may serve another version tomorrow, which then fails the checksum. It also finds tools
// without a checksum for a platform to build.
func unpinnedTools(in Input) []Finding {
	var all []Finding
	for _, tool := range in.Runtime.Tools {
		at := in.field("tools." + tool.Name)
		if tool.URL != "" && !namesVersion(tool) {
			all = append(all, UnpinnedTool.found(at, "the url of tool %s does not contain its version, so the build fails when the url serves "+
				"another version: use a url with {version}", tool.Name))
		}
		for _, arch := range architectures(in.Platforms) {
			if tool.SHA256[arch] == "" {
				all = append(all, UnpinnedTool.found(at, "tool %s has no sha256 for %s, which this build needs: add %s: CHECKSUM to its sha256", tool.Name, arch, arch))
			}
		}
	}
	return all
}

// unverifiedTools finds downloads without a known checksum.
func unverifiedTools(in Input) []Finding {
	var all []Finding
	for _, tool := range in.Runtime.Downloads() {
		for _, arch := range architectures(in.Platforms) {
			if sum, listed := tool.SHA256[arch]; !listed || sum != "" {
				continue
			}
			all = append(all, UnverifiedTool.found(in.field("tools."+tool.Name), "the download of %s %s for %s from %s is not verified, because rtbuild does "+
				"not know its checksum: add it to tools, as {name: %s, version: %s, sha256: {%s: CHECKSUM}}", tool.Name, tool.Version, arch,
				tool.Address(arch), tool.Name, tool.Version, arch))
		}
	}
	return all
}

// namesVersion reports whether a tool's URL contains its version or its checksum.
func namesVersion(t runtimefile.Tool) bool {
	known := []string{"{version}", cmp.Or(t.Version, "{version}")}
	for _, sum := range t.SHA256 {
		known = append(known, sum)
	}
	return slices.ContainsFunc(known, func(text string) bool { return strings.Contains(t.URL, text) })
}

// architectures returns the architectures of platforms, each once.
func architectures(platforms []string) []string {
	var all []string
	for _, platform := range platforms {
		if parts := strings.Split(platform, "/"); len(parts) > 1 && !slices.Contains(all, parts[1]) {
			all = append(all, parts[1])
		}
	}
	return all
}
