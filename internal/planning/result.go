package planning

import (
	"slices"
	"strings"

	"github.com/containerd/platforms"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/tags"
)

// PlatformPlan is what a build does for one platform.
type PlatformPlan struct {
	Platform ocispecs.Platform
	*plan.Plan
	OtherPlatforms []string // tags that may be published and hold images for other platforms only
}

// Name returns the platform as os/arch[/variant].
func (p PlatformPlan) Name() string { return platforms.Format(p.Platform) }

// BuildsDeps reports whether the platform needs a deps image first.
func (p PlatformPlan) BuildsDeps() bool {
	return p.Variant == plan.Scratch || p.Variant == plan.Versioned
}

// Result is what a build does for all platforms, in the order in which they were asked for.
type Result struct {
	Platforms []PlatformPlan

	// MergesIndex is set if a tag that is published holds images for other platforms, or may soon: those stay.
	MergesIndex bool
}

// Single reports whether one platform was asked for: nothing then speaks of platforms.
func (r *Result) Single() bool { return len(r.Platforms) == 1 }

// Contested reports whether others probably write the same tags at the same time: builds of other platforms do, and so does
// another machine that builds the same dependencies, which takes long. A source image alone is written in a moment.
func (r *Result) Contested() bool {
	return r.MergesIndex || slices.ContainsFunc(r.Platforms, PlatformPlan.BuildsDeps)
}

// Done reports whether there is nothing to build.
func (r *Result) Done() bool {
	return !slices.ContainsFunc(r.Platforms, func(p PlatformPlan) bool { return p.Variant != plan.None })
}

// Publication is a tag that is written, and the platforms that it gets.
type Publication struct {
	Ref       string
	Platforms []ocispecs.Platform
}

// Publications returns the tags that are written, in order. The source tag comes last: one that exists can then be trusted.
func (r *Result) Publications() []Publication {
	var all []Publication
	for _, p := range r.Platforms {
		for _, ref := range p.Publish {
			i := slices.IndexFunc(all, func(known Publication) bool { return known.Ref == ref })
			if i < 0 {
				i, all = len(all), append(all, Publication{Ref: ref})
			}
			all[i].Platforms = append(all[i].Platforms, p.Platform)
		}
	}
	r.sourceLast(all)
	return all
}

// sourceLast puts the source tag at the end: platforms that publish different tags are not in one order.
func (r *Result) sourceLast(all []Publication) {
	rank := func(p Publication) int {
		if slices.ContainsFunc(r.Platforms, func(of PlatformPlan) bool {
			return len(of.Publish) > 0 && of.Publish[len(of.Publish)-1] == p.Ref
		}) {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(all, func(a, b Publication) int { return rank(a) - rank(b) })
}

// Refs returns the names of what is published, in order.
func (r *Result) Refs() []string {
	refs := []string{}
	for _, p := range r.Publications() {
		refs = append(refs, p.Ref)
	}
	return refs
}

// Variant returns the variant of the only platform; of several, those that differ, with commas between.
func (r *Result) Variant() string {
	var all []string
	for _, p := range r.Platforms {
		if !slices.Contains(all, string(p.Variant)) {
			all = append(all, string(p.Variant))
		}
	}
	return strings.Join(all, ",")
}

// Document returns the plans as scripts read them.
func (r *Result) Document(names tags.Set) plan.Document {
	all := map[string]plan.JSON{}
	for _, p := range r.Platforms {
		all[p.Name()] = p.JSON()
	}
	return plan.NewDocument(names, all)
}
