package frontend

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/imagebuild"
	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/internal/runtimefile"
)

// target is what --target may name.
type target struct {
	name  string
	about string
	build func(*frontend, context.Context) (*gateway.Result, error)
}

// defaultTarget is what is built where none is named.
const defaultTarget = "source"

func targets() []target {
	return []target{
		{"source", "the runtime image: the deps image, the agent's source, the extra command", (*frontend).buildSource},
		{"deps", "the image that source images stand on: base, system, tools, dependencies", (*frontend).buildDeps},
		{"tools", "base, system packages and tools", stageTarget(imagebuild.StageTools)},
		{"system", "base and system packages", stageTarget(imagebuild.StageSystem)},
		{"extra", "the same as source, which ends with the extra command", (*frontend).buildSource},
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

// buildSource builds the runtime image. It publishes under the source tag alone: without a deps image in the registry, or as
// a context, the next build has to do it all again.
func (f *frontend) buildSource(ctx context.Context) (*gateway.Result, error) {
	j, err := f.read(ctx)
	if err != nil {
		return nil, err
	}
	if err := j.checkRead(); err != nil {
		return nil, err
	}
	return j.images(ctx, plan.StageSource, j.chooseSource)
}

func (j *job) chooseSource(ctx context.Context, platform ocispecs.Platform) (choice, error) {
	deps, err := named(ctx, j.ui, depsContext, platform)
	if err != nil {
		return choice{}, err
	}
	var c choice
	if deps != nil {
		c, err = j.onDeps(ctx, platform, deps)
	} else {
		c, err = j.plan(ctx, plan.StageSource, platform, false)
	}
	if err != nil {
		return c, err
	}
	if image := j.tags.Images.Source; image != "" {
		c.plan.Publish = []string{image} // of what the client would publish, the last alone
	}
	if c.plan.Variant == plan.Scratch || c.plan.Variant == plan.Versioned {
		j.warn(ctx, "only the source image is published: build target deps first, so that the next build need not install everything again")
	}
	return c, j.takeBase(ctx, platform, &c)
}

// onDeps plans with a deps image that is given: only the source image is looked for.
func (j *job) onDeps(ctx context.Context, platform ocispecs.Platform, deps *imagebuild.EntryImage) (choice, error) {
	in := j.planInput(plan.StageSource)
	in.Deps = "the context " + depsContext
	c, err := j.make(ctx, in, platform, false)
	if err == nil && c.plan.Variant == plan.Lock {
		c.plan.From = deps.Ref
		if deps.State != nil {
			c.given = deps
		}
	}
	return c, err
}

// takeBase lets a build that enters at the base take one that is given as a context.
func (j *job) takeBase(ctx context.Context, platform ocispecs.Platform, c *choice) error {
	if c.plan.Variant != plan.Scratch {
		return nil
	}
	base, err := named(ctx, j.ui, baseContext, platform)
	if err != nil || base == nil {
		return err
	}
	if base.State != nil {
		c.given = base // goes by the name in the file
	} else {
		c.plan.From = base.Ref
	}
	return nil
}

// buildDeps builds the deps image, for the lock tag and, if it was built from the base on, the versioned tag.
func (f *frontend) buildDeps(ctx context.Context) (*gateway.Result, error) {
	j, err := f.read(ctx)
	if err != nil {
		return nil, err
	}
	return j.images(ctx, plan.StageDeps, func(ctx context.Context, platform ocispecs.Platform) (choice, error) {
		c, err := j.plan(ctx, plan.StageDeps, platform, false)
		if err != nil {
			return c, err
		}
		if image := j.tags.Images.Lock; image != "" && len(c.plan.Publish) == 0 {
			c.plan.Publish = []string{image}
		}
		return c, j.takeBase(ctx, platform, &c)
	})
}

// stageTarget builds the image of a stage that has no tag, always from the base on: the builder's cache does the rest.
func stageTarget(stage string) func(*frontend, context.Context) (*gateway.Result, error) {
	return func(f *frontend, ctx context.Context) (*gateway.Result, error) {
		j, err := f.read(ctx)
		if err != nil {
			return nil, err
		}
		return j.images(ctx, stage, func(ctx context.Context, platform ocispecs.Platform) (choice, error) {
			c := choice{plan: &plan.Plan{Variant: plan.Scratch, From: j.runtime.Base, Reason: "a stage has no tag"}}
			return c, j.takeBase(ctx, platform, &c)
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
	return j.export(ctx, "plan.json", plan.NewDocument(j.tags, plans))
}

// export gives a file instead of an image.
func (j *job) export(ctx context.Context, name string, v any) (*gateway.Result, error) {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return nil, err
	}
	file := llb.Scratch().File(llb.Mkfile("/"+name, 0o644, append(data, '\n')), llb.WithCustomName("[plan] write "+name))
	ref, err := imagebuild.Solve(ctx, j.client, file, j.host, gateway.SolveRequest{})
	if err != nil {
		return nil, err
	}
	res := gateway.NewResult()
	res.SetRef(ref)
	return res, nil
}

// unknownArg is the warning about a build argument that nobody reads.
func unknownArg(name string) string {
	return fmt.Sprintf("build argument %s is not used: %s", name, runtimefile.Suggest(name, argNames()))
}
