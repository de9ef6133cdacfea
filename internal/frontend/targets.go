package frontend

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/build"
	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/internal/profile"
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
		{"tools", "base, system packages and tools", stageTarget(build.StageTools)},
		{"system", "base and system packages", stageTarget(build.StageSystem)},
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
	res, err := j.images(ctx, func(ctx context.Context, platform ocispecs.Platform) (build.Request, error) {
		return j.sourceRequest(ctx, platform)
	})
	if err == nil && j.tags.Images.Source != "" {
		res.AddMeta(exptypes.ExporterImageNameKey, names([]string{j.tags.Images.Source}))
	}
	return res, err
}

func (j *job) sourceRequest(ctx context.Context, platform ocispecs.Platform) (build.Request, error) {
	deps, err := named(ctx, j.ui, depsContext, platform)
	if err != nil {
		return build.Request{}, err
	}
	p, err := j.sourcePlan(ctx, platform, deps)
	if err != nil {
		return build.Request{}, err
	}
	var start *build.Start
	switch p.Variant {
	case plan.Lock:
		if deps != nil {
			start = deps.start
		}
	case plan.Scratch:
		if start, err = j.base(ctx, platform, p); err != nil {
			return build.Request{}, err
		}
	}
	if p.Variant == plan.Scratch || p.Variant == plan.Versioned {
		j.warn(ctx, "only the source image is published: build target deps first, so that the next build need not install everything again")
	}
	return j.request(plan.StageSource, platform, p, start), j.announce(ctx, platform, p)
}

// sourcePlan plans with the registry, or on a deps image that is given.
func (j *job) sourcePlan(ctx context.Context, platform ocispecs.Platform, deps *namedImage) (*plan.Plan, error) {
	if deps == nil {
		return j.plan(ctx, plan.StageSource, platform, false)
	}
	onDeps := &plan.Plan{Variant: plan.Lock, From: deps.ref, Reason: "the context deps is the deps image"}
	if j.tags.Images.Source == "" || j.options.force {
		return onDeps, nil
	}
	p := &prober{job: j, platform: platform, in: plan.Input{Tags: j.tags, Base: j.runtime.Base, Tree: j.source.Copied, Recipe: recipe}}
	img, err := p.look(ctx, "source", j.tags.Images.Source)
	if err != nil {
		return nil, err
	}
	p.in.Source = img
	made, err := plan.Make(p.in)
	if err != nil || made.Variant == plan.None {
		return made, err
	}
	onDeps.Reason = "no source image; " + onDeps.Reason
	if img != nil {
		onDeps.Reason = "the source image is stale; the context deps is the deps image"
	}
	return onDeps, nil
}

// base is the base image where it is given as a context and is in no registry.
func (j *job) base(ctx context.Context, platform ocispecs.Platform, p *plan.Plan) (*build.Start, error) {
	given, err := named(ctx, j.ui, baseContext, platform)
	if err != nil || given == nil {
		return nil, err
	}
	if given.start == nil {
		p.From = given.ref
	}
	return given.start, nil
}

// buildDeps builds the deps image, for the lock tag and, if it was built from the base on, the versioned tag.
func (f *frontend) buildDeps(ctx context.Context) (*gateway.Result, error) {
	j, err := f.read(ctx)
	if err != nil {
		return nil, err
	}
	publish := map[string]bool{}
	plans := make(chan *plan.Plan, len(j.platforms()))
	res, err := j.images(ctx, func(ctx context.Context, platform ocispecs.Platform) (build.Request, error) {
		p, err := j.plan(ctx, plan.StageDeps, platform, false)
		if err != nil {
			return build.Request{}, err
		}
		plans <- p
		var start *build.Start
		if p.Variant == plan.Scratch {
			if start, err = j.base(ctx, platform, p); err != nil {
				return build.Request{}, err
			}
		}
		return j.request(plan.StageDeps, platform, p, start), j.announce(ctx, platform, p)
	})
	if err != nil || j.tags.Images.Lock == "" {
		return res, err
	}
	close(plans)
	for p := range plans {
		for _, ref := range p.Publish {
			publish[ref] = true
		}
	}
	refs := []string{j.tags.Images.Lock}
	if publish[j.tags.Images.Versioned] {
		refs = append(refs, j.tags.Images.Versioned)
	}
	res.AddMeta(exptypes.ExporterImageNameKey, names(refs))
	return res, nil
}

// stageTarget builds the image of a stage that has no tag, always from the base on: the builder's cache does the rest.
func stageTarget(stage string) func(*frontend, context.Context) (*gateway.Result, error) {
	return func(f *frontend, ctx context.Context) (*gateway.Result, error) {
		j, err := f.read(ctx)
		if err != nil {
			return nil, err
		}
		return j.images(ctx, func(ctx context.Context, platform ocispecs.Platform) (build.Request, error) {
			p := &plan.Plan{Variant: plan.Scratch, From: j.runtime.Base}
			start, err := j.base(ctx, platform, p)
			return j.request(stage, platform, p, start), err
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
		p, err := j.plan(ctx, plan.StageSource, platform, true)
		if err != nil {
			return nil, err
		}
		plans[platforms.Format(platform)] = p.JSON()
	}
	return j.export(ctx, "plan.json", plan.Document(j.tags, plans))
}

// export gives a file instead of an image.
func (j *job) export(ctx context.Context, name string, v any) (*gateway.Result, error) {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return nil, err
	}
	file := llb.Scratch().File(llb.Mkfile("/"+name, 0o644, append(data, '\n')), llb.WithCustomName("[plan] write "+name))
	def, err := file.Marshal(ctx, llb.Platform(j.host))
	if err != nil {
		return nil, err
	}
	solved, err := j.client.Solve(ctx, gateway.SolveRequest{Definition: def.ToPB()})
	if err != nil {
		return nil, err
	}
	ref, err := solved.SingleRef()
	if err != nil {
		return nil, err
	}
	res := gateway.NewResult()
	res.SetRef(ref)
	return res, nil
}

// unknownArg is the warning about a build argument that nobody reads.
func unknownArg(name string) string {
	return fmt.Sprintf("build argument %s is not used: %s", name, profile.Suggest(name, argNames()))
}
