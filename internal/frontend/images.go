package frontend

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"github.com/rtbuild/rtbuild/internal/imagebuild"
	"github.com/rtbuild/rtbuild/internal/options"
	"github.com/rtbuild/rtbuild/internal/plan"
)

// chooser makes a choice for a platform.
type chooser func(context.Context, ocispecs.Platform) (choice, error)

// images plans and builds all platforms side by side.
func (j *job) images(ctx context.Context, stage string, choose chooser) (*gateway.Result, error) {
	if j.tags.Images.Source == "" {
		j.warn(ctx, "no repository is named, so the image has no name of its own, and an output with name=* fails: write a line such as "+
			"repository: registry.example.com/team/runtime, give "+options.BuildArguments.Give(options.Repository)+", or name the image with -t")
	}
	wanted := j.platforms()
	choices := make([]choice, len(wanted))
	if err := each(ctx, wanted, func(ctx context.Context, i int, platform ocispecs.Platform) (err error) {
		choices[i], err = j.choice(ctx, platform, choose)
		return err
	}); err != nil {
		return nil, err
	}
	if j.attests("provenance") || j.ui.SBOM != nil {
		j.warn(ctx, "attestations are asked for: the tag becomes an index, and an export with name=* fails; --provenance=false turns them off")
	}
	if j.attests("provenance") && slices.ContainsFunc(choices, func(c choice) bool { return c.unused }) {
		return j.apart(ctx, wanted, choices)
	}
	images := make([]*imagebuild.Image, len(wanted))
	if err := each(ctx, wanted, func(ctx context.Context, i int, platform ocispecs.Platform) (err error) {
		images[i], err = imagebuild.Build(ctx, j.client, j.request(stage, platform, choices[i]))
		return err
	}); err != nil {
		return nil, err
	}
	res, err := imagebuild.Result(images, j.ui.MultiPlatformRequested)
	if err != nil {
		return nil, err
	}
	// Without names BuildKit fails to push with name=*; an empty one it would take for nothing to push, and succeed.
	if names := publish(choices); len(names) > 0 {
		res.AddMeta(exptypes.ExporterImageNameKey, []byte(strings.Join(names, ",")))
	}
	if err := describe(res, wanted, choices); err != nil {
		return nil, err
	}
	scanner := &imagebuild.Scanner{Client: j.client, Platform: j.host, SBOM: j.ui.SBOM, Resolve: j.ui.ImageResolveMode.String()}
	return res, scanner.Attest(ctx, res, images)
}

// describe leaves what was chosen in the metadata of the build: keys that begin with "frontend." come to the user's
// --metadata-file.
func describe(res *gateway.Result, wanted []ocispecs.Platform, choices []choice) error {
	plans := map[string]plan.JSON{}
	for i, platform := range wanted {
		plans[platforms.Format(platforms.Normalize(platform))] = choices[i].plan.JSON()
	}
	data, err := json.Marshal(plans)
	res.AddMeta("frontend.rtbuild.plan", data)
	return err
}

// each calls f for all platforms side by side.
func each(ctx context.Context, wanted []ocispecs.Platform, f func(context.Context, int, ocispecs.Platform) error) error {
	group, ctx := errgroup.WithContext(ctx)
	for i, platform := range wanted {
		group.Go(func() error { return f(ctx, i, platforms.Normalize(platform)) })
	}
	return group.Wait()
}

// publish is the names that an exporter with name=* gives: what some platform is published under.
func publish(choices []choice) []string {
	var names []string
	for _, c := range choices {
		for _, ref := range c.plan.Publish {
			if !slices.Contains(names, ref) {
				names = append(names, ref)
			}
		}
	}
	return names
}

// choice is the one that was made already, or a new one, which is announced.
func (j *job) choice(ctx context.Context, platform ocispecs.Platform, choose chooser) (choice, error) {
	if made, ok := j.options.plans[platforms.Format(platform)]; ok {
		c := choice{plan: made.Plan()}
		if made.Variant == plan.Lock && made.From == "" {
			deps, err := named(ctx, j.ui, depsContext, platform)
			if err != nil {
				return c, err
			}
			c.given = deps
		}
		return c, j.takeBase(ctx, platform, &c)
	}
	c, err := choose(ctx, platform)
	if err != nil {
		return c, err
	}
	for _, note := range c.plan.Notes {
		j.warn(ctx, note)
	}
	return c, j.announce(ctx, platform, c.plan)
}

// announce says in the progress which variant a platform takes, and why.
func (j *job) announce(ctx context.Context, platform ocispecs.Platform, p *plan.Plan) error {
	title := fmt.Sprintf("[plan] %s: %s", p.Variant, p.Reason)
	if len(j.platforms()) > 1 {
		title = fmt.Sprintf("[plan] %s: %s: %s", platforms.Format(platform), p.Variant, p.Reason)
	}
	said := llb.Scratch().File(llb.Mkfile("/plan", 0o600, []byte(title)), llb.WithCustomName(title), llb.Platform(j.host))
	_, err := imagebuild.Solve(ctx, j.client, said, j.host, gateway.SolveRequest{Evaluate: true})
	return err
}

// plansKey is the option by which a frontend hands on what it has planned.
const plansKey = "rtbuild.plans"

// apart lets a second frontend build what this one has planned: BuildKit takes every image that a frontend resolves for a
// material of what it builds, and some were only looked at.
func (j *job) apart(ctx context.Context, wanted []ocispecs.Platform, choices []choice) (*gateway.Result, error) {
	plans := map[string]plan.JSON{}
	for i, platform := range wanted {
		plans[platforms.Format(platforms.Normalize(platform))] = choices[i].plan.JSON()
	}
	data, err := json.Marshal(plans)
	if err != nil {
		return nil, err
	}
	opts := maps.Clone(j.ui.BuildOpts().Opts)
	opts[plansKey] = string(data)
	inputs, err := j.inputDefinitions(ctx)
	if err != nil {
		return nil, err
	}
	return j.client.Solve(ctx, gateway.SolveRequest{Frontend: "gateway.v0", FrontendOpt: opts, FrontendInputs: inputs})
}

// inputDefinitions are the results of other targets that the build was given.
func (j *job) inputDefinitions(ctx context.Context) (map[string]*pb.Definition, error) {
	inputs, err := j.client.Inputs(ctx)
	if err != nil {
		return nil, err
	}
	defs := map[string]*pb.Definition{}
	for name, state := range inputs {
		def, err := state.Marshal(ctx)
		if err != nil {
			return nil, err
		}
		defs[name] = def.ToPB()
	}
	return defs, nil
}

// attests reports whether the user asks for an attestation of a type.
func (f *frontend) attests(kind string) bool {
	attrs, ok := f.ui.BuildOpts().Opts["attest:"+kind]
	return ok && !strings.Contains(attrs, "disabled=true")
}

// request is what a choice asks the build function for.
func (j *job) request(stage string, platform ocispecs.Platform, c choice) imagebuild.Request {
	return imagebuild.Request{
		Runtime: j.runtime.Image(), Tools: j.runtime.ToolsDigest(), Platform: platform, Stage: stage, Variant: c.plan.Variant, Entry: c.entry(),
		Tree: j.source.Copied, DepsDigest: j.source.DepsDigest, Epoch: j.options.Epoch,
		LockFiles: j.locks, Source: j.source.State,
		Proxy: j.options.Proxies(), Steps: steps(j.ui), NoCache: j.ui.IsNoCache, SourceLocation: j.file.location,
		Resolve: j.ui.ImageResolveMode.String(), Imports: j.ui.CacheImports, CacheNamespace: j.ui.CacheIDNamespace,
		Labels: j.ui.Labels, ScanAll: j.options.scan.All,
	}
}
