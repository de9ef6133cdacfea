package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/containerd/platforms"
	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/plan"
)

// parsePlatforms reads --platform as buildx does: repeatable, comma-separated, "local" for this machine's, which is also
// what no flag at all gives. Each is given once.
func parsePlatforms(given []string) ([]ocispecs.Platform, error) {
	if len(given) == 0 {
		given = []string{"local"}
	}
	var all []ocispecs.Platform
	seen := map[string]bool{}
	for text := range strings.SplitSeq(strings.Join(given, ","), ",") {
		platform := platforms.DefaultSpec()
		if !strings.EqualFold(text, "local") {
			var err error
			if platform, err = platforms.Parse(text); err != nil {
				return nil, fmt.Errorf("invalid --platform %q: it is os/arch[/variant], or several with commas between: %w", text, err)
			}
		}
		platform = platforms.Normalize(platform)
		if name := platforms.Format(platform); !seen[name] {
			seen[name] = true
			all = append(all, platform)
		}
	}
	return all, nil
}

// aim is what is to be done for one platform.
type aim struct {
	platform ocispecs.Platform
	*plan.Plan
}

func (a aim) name() string { return platforms.Format(a.platform) }

// buildsDeps reports whether the platform needs a deps image first.
func (a aim) buildsDeps() bool { return a.Variant == plan.Scratch || a.Variant == plan.Versioned }

// survey is what is to be done for all platforms, in the order in which they were asked for.
type survey struct {
	aims   []aim
	base   digest.Digest // what the base's tag points to today; empty if that was not learned
	beside bool          // tags are written beside what they hold, or may hold soon, for other platforms
}

// single reports whether one platform was asked for: nothing then speaks of platforms.
func (s *survey) single() bool { return len(s.aims) == 1 }

// contested reports whether others probably write the same tags at the same time: other platforms are built beside, or dependencies
// are, which takes long enough for a machine that began together with this one. A source image alone takes no time to speak of.
func (s *survey) contested() bool { return s.beside || slices.ContainsFunc(s.aims, aim.buildsDeps) }

// done reports whether there is nothing to build.
func (s *survey) done() bool {
	return !slices.ContainsFunc(s.aims, func(a aim) bool { return a.Variant != plan.None })
}

// publications are the tags that are written, in order, each with the platforms that it gets.
func (s *survey) publications() []publication {
	var all []publication
	for _, a := range s.aims {
		for _, ref := range a.Publish {
			at := slices.IndexFunc(all, func(p publication) bool { return p.ref == ref })
			if at < 0 {
				at, all = len(all), append(all, publication{ref: ref})
			}
			all[at].platforms = append(all[at].platforms, a.platform)
		}
	}
	return inOrder(all, s.aims)
}

// inOrder puts the source tag last: the platforms' own orders may not be alike.
func inOrder(all []publication, aims []aim) []publication {
	isSource := func(p publication) bool {
		return slices.ContainsFunc(aims, func(a aim) bool { return len(a.Publish) > 0 && a.Publish[len(a.Publish)-1] == p.ref })
	}
	slices.SortStableFunc(all, func(a, b publication) int {
		switch x, y := isSource(a), isSource(b); {
		case x == y:
			return 0
		case x:
			return 1
		}
		return -1
	})
	return all
}

// refs are the names of what is published, in order.
func (s *survey) refs() []string {
	refs := []string{}
	for _, p := range s.publications() {
		refs = append(refs, p.ref)
	}
	return refs
}

// variant is the variant of the only platform; of several, those that differ, one after the other.
func (s *survey) variant() string {
	var all []string
	for _, a := range s.aims {
		if !slices.Contains(all, string(a.Variant)) {
			all = append(all, string(a.Variant))
		}
	}
	return strings.Join(all, ",")
}

// publication is a tag that is written, and the platforms that it gets.
type publication struct {
	ref       string
	platforms []ocispecs.Platform
}
