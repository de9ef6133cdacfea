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

// choice is how a platform's image is built.
type choice struct {
	plan   *plan.Plan
	given  *imagebuild.EntryImage // an image of a context, in no registry, that the build enters on in place of plan.From
	unused bool                   // images were looked at that the build does not use
}

// entry is the image that the build enters on. What the plan learned of it is not asked again.
func (c choice) entry() imagebuild.EntryImage {
	if c.given != nil {
		entry := *c.given
		entry.Ref = c.plan.From
		return entry
	}
	entry := imagebuild.EntryImage{Ref: c.plan.From}
	if known := c.plan.Entry; known != nil && known.Config != nil && known.Pinned() == entry.Ref {
		entry.Digest, entry.Config = known.Digest, known.Config
	}
	return entry
}

// plan looks for what exists and plans the image of a stage. With all set it looks for everything, whatever it finds.
func (j *job) plan(ctx context.Context, stage string, platform ocispecs.Platform, all bool) (choice, error) {
	if j.tags.Images.Source == "" && !j.options.Force {
		return choice{}, llb.FieldErrorf("repository", "no repository: where the images live must be known to look for them: write a line "+
			"such as repository: registry.example.com/team/runtime, or give %s", options.BuildArguments.Give(options.Repository))
	}
	return j.make(ctx, j.planInput(stage), platform, all)
}

// planInput says what is planned.
func (j *job) planInput(stage string) plan.Input {
	in := planning.InputOf(j.runtime, j.tags, j.source.Copied, j.source.DepsDigest)
	in.Stage, in.Force, in.Pull, in.Variant = stage, j.options.Force, j.options.Pull, plan.Variant(j.options.Variant)
	return in
}

// make plans for one platform. Where nothing that exists may count, nothing is looked at.
func (j *job) make(ctx context.Context, in plan.Input, platform ocispecs.Platform, all bool) (choice, error) {
	previous, err := j.previousTag()
	if err != nil {
		return choice{}, err
	}
	look := &looker{job: j}
	result, err := planning.Make(ctx, look, planning.Request{
		Input: in, Platforms: []ocispecs.Platform{platform}, Reuse: j.options.ReuseFrom, PreviousTag: previous, Exhaustive: all && !in.Force,
	})
	if err != nil {
		return choice{}, explain(err)
	}
	made := result.Platforms[0]
	j.warnOfOtherPlatforms(ctx, made)
	used := int32(0)
	if made.Entry != nil {
		used = 1
	}
	return choice{plan: made.Plan, unused: look.resolved.Load() > used}, nil
}

// previousTag is the tag of the version that PREVIOUS_VERSION names.
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

// warnOfOtherPlatforms warns of tags that hold other platforms only: a build of one platform replaces them.
func (j *job) warnOfOtherPlatforms(ctx context.Context, made planning.PlatformPlan) {
	for _, ref := range made.OtherPlatforms {
		j.warn(ctx, ref+" exists, but not for "+platforms.Format(made.Platform)+": publishing replaces it, and its other platforms are lost "+
			"unless they are built too: add them to --platform, or use rtbuild-client, which keeps them")
	}
}
