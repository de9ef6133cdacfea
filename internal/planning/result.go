package planning

import (
	"slices"
	"strings"

	"github.com/containerd/platforms"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/tags"
)

// PlatformPlan is the plan for one platform.
type PlatformPlan struct {
	Platform ocispecs.Platform
	*plan.Plan
	OtherPlatforms []string // tags that the build may publish and that hold only other platforms
}

// Name returns the platform as os/arch[/variant].
func (p PlatformPlan) Name() string { return platforms.Format(p.Platform) }

// BuildsDeps reports whether the build makes a deps image for the platform.
func (p PlatformPlan) BuildsDeps() bool {
	return p.Variant == plan.Scratch || p.Variant == plan.Versioned
}

// Result holds the plans for all platforms, in the order of Request.Platforms.
type Result struct {
	Platforms []PlatformPlan

	// MergesIndex is set if the tags to publish hold images for other platforms, or may soon. The build keeps those images.
	MergesIndex bool
}

// Single reports whether there is only one platform. Messages then need not name it.
func (r *Result) Single() bool { return len(r.Platforms) == 1 }

// Contested reports whether another build may write the same tags at the same time. Builds of other platforms do, and builds
// of the same dependencies on another machine, because they take long. A source image alone takes only a moment.
func (r *Result) Contested() bool {
	return r.MergesIndex || slices.ContainsFunc(r.Platforms, PlatformPlan.BuildsDeps)
}

// Done reports whether there is nothing to build.
func (r *Result) Done() bool {
	return !slices.ContainsFunc(r.Platforms, func(p PlatformPlan) bool { return p.Variant != plan.None })
}

// Publication is a tag to write, and the platforms to write for it.
type Publication struct {
	Ref       string
	Platforms []ocispecs.Platform
}

// Publications returns the tags to write, in order. The source tag comes last, so that an existing source tag can be trusted.
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

// sourceLast moves the source tag to the end. It may come earlier if platforms publish different tags.
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

// Refs returns the references to publish, in order.
func (r *Result) Refs() []string {
	refs := []string{}
	for _, p := range r.Publications() {
		refs = append(refs, p.Ref)
	}
	return refs
}

// Variant returns the variants of the platforms, each once, separated by commas.
func (r *Result) Variant() string {
	var all []string
	for _, p := range r.Platforms {
		if !slices.Contains(all, string(p.Variant)) {
			all = append(all, string(p.Variant))
		}
	}
	return strings.Join(all, ",")
}

// Document returns the machine-readable form of the plans.
func (r *Result) Document(names tags.Set) plan.Document {
	all := map[string]plan.JSON{}
	for _, p := range r.Platforms {
		all[p.Name()] = p.JSON()
	}
	return plan.NewDocument(names, all)
}
