package frontend

import (
	"context"

	"github.com/containerd/platforms"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/imagebuild"
	"github.com/rtbuild/rtbuild/internal/options"
	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/internal/planning"
	"github.com/rtbuild/rtbuild/llb"
	"github.com/rtbuild/rtbuild/tags"
)

// platformPlan says how to build the image of one platform.
type platformPlan struct {
	plan   *plan.Plan
	image  *imagebuild.EntryImage // the image of a context, in no registry; the build starts from it instead of plan.From
	unused bool                   // the planner resolved images that the build does not use
}

// entry returns the entry image of the build. It reuses the digest and the config that the planner has already resolved.
func (c platformPlan) entry() imagebuild.EntryImage {
	if c.image != nil {
		entry := *c.image
		entry.Ref = c.plan.From
		return entry
	}
	entry := imagebuild.EntryImage{Ref: c.plan.From}
	if known := c.plan.Entry; known != nil && known.Config != nil && known.Pinned() == entry.Ref {
		entry.Digest, entry.Config = known.Digest, known.Config
	}
	return entry
}

// plan looks up existing images and plans the image of a stage. If all is set, it looks up every image, even after it has found a usable
// one.
func (j *job) plan(ctx context.Context, stage string, platform ocispecs.Platform, all bool) (platformPlan, error) {
	if j.tags.Images.Source == "" && !j.options.Force {
		return platformPlan{}, llb.FieldErrorf("repository", "no repository is named, so existing images cannot be looked up: add a line "+
			"such as repository: registry.example.com/team/runtime, or give %s", options.BuildArguments.Give(options.Repository))
	}
	return j.makePlan(ctx, j.planInput(stage), platform, all)
}

// planInput returns the input of the planner.
func (j *job) planInput(stage string) plan.Input {
	in := planning.InputOf(j.runtime, j.tags, j.source.Copied, j.source.DepsDigest)
	in.Stage, in.Force, in.Pull, in.Variant = stage, j.options.Force, j.options.Pull, plan.Variant(j.options.Variant)
	in.Tests = in.Tests && !j.options.NoTest
	in.Spelling = planning.SpellingOf(options.BuildArguments)
	return in
}

// makePlan plans one platform. With FORCE_REBUILD, it looks up nothing.
func (j *job) makePlan(ctx context.Context, in plan.Input, platform ocispecs.Platform, all bool) (platformPlan, error) {
	previous, err := j.previousTag()
	if err != nil {
		return platformPlan{}, err
	}
	look := &looker{job: j}
	result, err := planning.Make(ctx, look, planning.Request{
		Input: in, Platforms: []ocispecs.Platform{platform}, Reuse: j.options.ReuseFrom, PreviousTag: previous, Exhaustive: all && !in.Force,
	})
	if err != nil {
		return platformPlan{}, explain(err)
	}
	made := result.Platforms[0]
	j.warnOfOtherPlatforms(ctx, made)
	used := int32(0)
	if made.Entry != nil {
		used = 1
	}
	return platformPlan{plan: made.Plan, unused: look.resolved.Load() > used}, nil
}

// previousTag returns the versioned tag of the version in PREVIOUS_VERSION.
func (j *job) previousTag() (string, error) {
	if j.options.PreviousVersion == "" {
		return "", nil
	}
	tag, err := tags.VersionedTag(j.runtime.Base, j.options.PreviousVersion)
	if err != nil {
		return "", options.BuildArguments.Invalid(options.PreviousVersion, j.options.PreviousVersion, err)
	}
	return tag, nil
}

// warnOfOtherPlatforms warns if a tag holds only other platforms. A build of one platform replaces them.
func (j *job) warnOfOtherPlatforms(ctx context.Context, made planning.PlatformPlan) {
	for _, ref := range made.OtherPlatforms {
		j.warn(ctx, ref+" exists, but not for "+platforms.Format(made.Platform)+": publishing replaces it, and its other platforms are lost "+
			"unless they are built too: add them to --platform, or use rtbuild-client, which keeps them")
	}
}
