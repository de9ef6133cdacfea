package frontend

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/containerd/platforms"
	bkllb "github.com/moby/buildkit/client/llb"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/imagebuild"
	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/internal/planning"
	"github.com/rtbuild/rtbuild/internal/runtimefile"
	"github.com/rtbuild/rtbuild/llb"
)

// target is a value of --target.
type target struct {
	name  string
	about string
	build func(*frontend, context.Context) (*gateway.Result, error)
}

// defaultTarget is built if no target is named.
const defaultTarget = "source"

func targets() []target {
	return []target{
		{"source", "the runtime image: the deps image, the agent's source, the extra command", (*frontend).buildSource},
		{"deps", "the image that source images stand on: base, system, tools, dependencies", (*frontend).buildDeps},
		{"build", "the image that the build command runs on: base, system, tools, build packages, dependencies for development", (*frontend).buildBuild},
		{"tools", "base, system packages and tools", stageTarget(llb.StageTools)},
		{"system", "base and system packages", stageTarget(llb.StageSystem)},
		{"extra", "the same as source, which ends with the extra command", (*frontend).buildSource},
		{"test", "the same as source, after its tests, also if the image exists", (*frontend).buildTested},
		{"tags", "tags.json: the names of all images", (*frontend).exportTags},
		{"plan", "plan.json: the names, what exists, the variant and why", (*frontend).exportPlan},
	}
}

func targetOf(name string) (*target, error) {
	if name == "" {
		name = defaultTarget
	}
	var known []string
	for _, t := range targets() {
		if strings.EqualFold(t.name, name) {
			return &t, nil
		}
		known = append(known, t.name)
	}
	return nil, fmt.Errorf("unknown target %q: it is one of %s", name, strings.Join(known, ", "))
}

// buildSource builds the runtime image. It publishes only the source tag. If the deps image is neither in the registry nor given as a
// context, the next build must make it again.
func (f *frontend) buildSource(ctx context.Context) (*gateway.Result, error) {
	j, err := f.read(ctx)
	if err != nil {
		return nil, err
	}
	if err := j.checkTransfers(); err != nil {
		return nil, err
	}
	return j.images(ctx, plan.StageSource, j.planSource)
}

// buildTested builds the runtime image, and runs its tests even if it exists.
func (f *frontend) buildTested(ctx context.Context) (*gateway.Result, error) {
	f.testExisting = true
	return f.buildSource(ctx)
}

func (j *job) planSource(ctx context.Context, platform ocispecs.Platform) (platformPlan, error) {
	deps, err := named(ctx, j.ui, depsContext, platform)
	if err != nil {
		return platformPlan{}, err
	}
	var c platformPlan
	if deps != nil {
		c, err = j.planOnDeps(ctx, platform, deps)
	} else {
		c, err = j.plan(ctx, plan.StageSource, platform, false)
	}
	if err != nil {
		return c, err
	}
	if image := j.tags.Images.Source; image != "" {
		c.plan.Publish = []string{image} // of the tags that the client would publish, only the last
	}
	if c.plan.Variant == plan.Scratch || c.plan.Variant == plan.Versioned {
		j.warn(ctx, "only the source image is published: build target deps first, so that the next build can reuse it")
	}
	return c, j.useBaseContext(ctx, platform, &c)
}

// planOnDeps plans a build on a given deps image. It looks up only the source image.
func (j *job) planOnDeps(ctx context.Context, platform ocispecs.Platform, deps *imagebuild.EntryImage) (platformPlan, error) {
	in := j.planInput(plan.StageSource)
	in.Deps = "the context " + depsContext
	c, err := j.makePlan(ctx, in, platform, false)
	if err == nil && c.plan.Variant == plan.Lock {
		c.plan.From = deps.Ref
		if deps.State != nil {
			c.image = deps
		}
	}
	return c, err
}

// useBaseContext replaces the base of a build from scratch by the context base, if there is one.
func (j *job) useBaseContext(ctx context.Context, platform ocispecs.Platform, c *platformPlan) error {
	if c.plan.Variant != plan.Scratch {
		return nil
	}
	base, err := named(ctx, j.ui, baseContext, platform)
	if err != nil || base == nil {
		return err
	}
	if base.State != nil {
		c.image = base // keeps the name in the file
	} else {
		c.plan.From = base.Ref
	}
	return nil
}

// buildDeps builds the deps image. It publishes the lock tag and, if the image was built from scratch, the versioned tag.
func (f *frontend) buildDeps(ctx context.Context) (*gateway.Result, error) {
	j, err := f.read(ctx)
	if err != nil {
		return nil, err
	}
	return j.images(ctx, plan.StageDeps, func(ctx context.Context, platform ocispecs.Platform) (platformPlan, error) {
		c, err := j.plan(ctx, plan.StageDeps, platform, false)
		if err != nil {
			return c, err
		}
		if image := j.tags.Images.Lock; image != "" && len(c.plan.Publish) == 0 {
			c.plan.Publish = []string{image}
		}
		return c, j.useBaseContext(ctx, platform, &c)
	})
}

// buildBuild builds the build image, and publishes its tag. It enters where a build of the source image would.
func (f *frontend) buildBuild(ctx context.Context) (*gateway.Result, error) {
	j, err := f.read(ctx)
	if err != nil {
		return nil, err
	}
	if j.runtime.Build == nil {
		return nil, llb.FieldErrorf("build", "there is no build command, so there is no build image: write build: COMMAND")
	}
	return j.images(ctx, plan.StageBuild, func(ctx context.Context, platform ocispecs.Platform) (platformPlan, error) {
		c, err := j.plan(ctx, plan.StageDeps, platform, false)
		if err != nil {
			return c, err
		}
		if c.plan.Variant == plan.None { // the deps image exists: enter on its tools
			c.plan.Variant = plan.Versioned
		}
		if c.plan.Publish = nil; j.tags.Images.Build != "" {
			c.plan.Publish = []string{j.tags.Images.Build}
		}
		return c, j.useBaseContext(ctx, platform, &c)
	})
}

// stageTarget builds the image of a stage that has no tag. It always builds from the base, and relies on the builder's cache.
func stageTarget(stage string) func(*frontend, context.Context) (*gateway.Result, error) {
	return func(f *frontend, ctx context.Context) (*gateway.Result, error) {
		j, err := f.read(ctx)
		if err != nil {
			return nil, err
		}
		return j.images(ctx, stage, func(ctx context.Context, platform ocispecs.Platform) (platformPlan, error) {
			c := platformPlan{plan: &plan.Plan{Variant: plan.Scratch, From: j.runtime.Base, Reason: "a stage has no tag"}}
			return c, j.useBaseContext(ctx, platform, &c)
		})
	}
}

func (f *frontend) exportTags(ctx context.Context) (*gateway.Result, error) {
	j, err := f.read(ctx)
	if err != nil {
		return nil, err
	}
	return j.export(ctx, "tags.json", j.tags)
}

func (f *frontend) exportPlan(ctx context.Context) (*gateway.Result, error) {
	j, err := f.read(ctx)
	if err != nil {
		return nil, err
	}
	plans := map[string]plan.JSON{}
	for _, platform := range j.platforms() {
		c, err := j.plan(ctx, plan.StageSource, platforms.Normalize(platform), true)
		if err != nil {
			return nil, err
		}
		plans[platforms.Format(platform)] = c.plan.JSON()
	}
	document, err := planning.DocumentOf(j.tags, plans, j.runtime, j.files)
	if err != nil {
		return nil, err
	}
	return j.export(ctx, "plan.json", document)
}

// export returns a file instead of an image.
func (j *job) export(ctx context.Context, name string, v any) (*gateway.Result, error) {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return nil, err
	}
	file := bkllb.Scratch().File(bkllb.Mkfile("/"+name, 0o644, append(data, '\n')), bkllb.WithCustomName("[plan] write "+name))
	ref, err := imagebuild.Solve(ctx, j.client, file, j.host, gateway.SolveRequest{})
	if err != nil {
		return nil, err
	}
	res := gateway.NewResult()
	res.SetRef(ref)
	return res, nil
}

// unknownArg returns the warning about an unknown build argument.
func unknownArg(name string) string {
	return fmt.Sprintf("build argument %s is not used: %s", name, runtimefile.Suggest(name, argNames()))
}
