package lint

import (
	"cmp"
	"slices"
	"strings"

	"github.com/rtbuild/rtbuild/internal/runtimefile"
)

// unpinnedBase finds a base that may be another one tomorrow.
func unpinnedBase(in Input) []Finding {
	base := in.Runtime.Base
	if base == "" || strings.Contains(base, "@") {
		return nil
	}
	if in.BaseDigest != "" {
		return []Finding{UnpinnedBase.found(in.field("base"),
			"the base %s may be another image tomorrow: write base: %s@%s, which is today's", base, base, in.BaseDigest)}
	}
	return []Finding{UnpinnedBase.found(in.field("base"),
		"the base %s may be another image tomorrow: write base: %s@sha256:DIGEST; docker buildx imagetools inspect %s shows its digest", base, base, base)}
}

// unpinnedTools finds tools whose address may hold another version tomorrow, so that the checksum stops the build, and
// those that have no checksum for a platform that is built.
func unpinnedTools(in Input) []Finding {
	var all []Finding
	for _, tool := range in.Runtime.Tools {
		at := in.field("tools." + tool.Name)
		if tool.URL != "" && !namesVersion(tool) {
			all = append(all, UnpinnedTool.found(at, "the url of tool %s does not name its version, so the build fails as soon as another "+
				"one lies there: take an address that does, with {version} in it", tool.Name))
		}
		for _, arch := range architectures(in.Platforms) {
			if tool.SHA256[arch] == "" {
				all = append(all, UnpinnedTool.found(at, "tool %s has no sha256 for %s, which is built: add %s: CHECKSUM to its sha256", tool.Name, arch, arch))
			}
		}
	}
	return all
}

// unverifiedTools finds downloads that are taken as they come, since nobody has said what they must be.
func unverifiedTools(in Input) []Finding {
	var all []Finding
	for _, tool := range in.Runtime.Downloads() {
		for _, arch := range architectures(in.Platforms) {
			if sum, listed := tool.SHA256[arch]; !listed || sum != "" {
				continue
			}
			all = append(all, UnverifiedTool.found(in.field("tools."+tool.Name), "%s %s for %s is taken as it comes from %s, since its digest is not "+
				"known to rtbuild: write it under tools, as {name: %s, version: %s, sha256: {%s: CHECKSUM}}", tool.Name, tool.Version, arch,
				tool.Address(arch), tool.Name, tool.Version, arch))
		}
	}
	return all
}

// namesVersion says whether a tool's address is one of its version or of its content.
func namesVersion(t runtimefile.Tool) bool {
	known := []string{"{version}", cmp.Or(t.Version, "{version}")}
	for _, sum := range t.SHA256 {
		known = append(known, sum)
	}
	return slices.ContainsFunc(known, func(text string) bool { return strings.Contains(t.URL, text) })
}

// architectures gives those of platforms, each once.
func architectures(platforms []string) []string {
	var all []string
	for _, platform := range platforms {
		if parts := strings.Split(platform, "/"); len(parts) > 1 && !slices.Contains(all, parts[1]) {
			all = append(all, parts[1])
		}
	}
	return all
}
