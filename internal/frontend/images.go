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

// planner plans one platform.
type planner func(context.Context, ocispecs.Platform) (platformPlan, error)

// images plans and builds all platforms concurrently.
func (j *job) images(ctx context.Context, stage string, planFor planner) (*gateway.Result, error) {
	if j.tags.Images.Source == "" {
		j.warn(ctx, "no repository is named, so the image has no name of its own, and an output with name=* fails: add a line such as "+
			"repository: registry.example.com/team/runtime, give "+options.BuildArguments.Give(options.Repository)+", or name the image with -t")
	}
	wanted := j.platforms()
	chosen := make([]platformPlan, len(wanted))
	if err := each(ctx, wanted, func(ctx context.Context, i int, platform ocispecs.Platform) (err error) {
		chosen[i], err = j.planOrReuse(ctx, platform, planFor)
		return err
	}); err != nil {
		return nil, err
	}
	if err := j.checkLocks(chosen); err != nil {
		return nil, err
	}
	if j.attests("provenance") || j.ui.SBOM != nil {
		j.warn(ctx, "attestations are enabled: the tag becomes an index, and an export with name=* fails; --provenance=false turns them off")
	}
	if j.attests("provenance") && slices.ContainsFunc(chosen, func(c platformPlan) bool { return c.unused }) {
		return j.delegate(ctx, wanted, chosen)
	}
	images := make([]*imagebuild.Image, len(wanted))
	if err := each(ctx, wanted, func(ctx context.Context, i int, platform ocispecs.Platform) (err error) {
		images[i], err = imagebuild.Build(ctx, j.client, j.request(stage, platform, chosen[i]))
		return err
	}); err != nil {
		return nil, err
	}
	return j.result(ctx, wanted, chosen, images)
}

// result returns the images with the names, plans and SBOMs that the exporter needs.
func (j *job) result(ctx context.Context, wanted []ocispecs.Platform, chosen []platformPlan, images []*imagebuild.Image) (*gateway.Result, error) {
	res, err := imagebuild.Result(images, j.ui.MultiPlatformRequested)
	if err != nil {
		return nil, err
	}
	// Without this key, BuildKit fails to push with name=*. With an empty one, it would push nothing and succeed.
	if names := publishedNames(chosen); len(names) > 0 {
		res.AddMeta(exptypes.ExporterImageNameKey, []byte(strings.Join(names, ",")))
	}
	plans, err := marshalPlans(wanted, chosen)
	if err != nil {
		return nil, err
	}
	res.AddMeta("frontend.rtbuild.plan", plans) // keys that begin with "frontend." appear in --metadata-file
	scanner := &imagebuild.Scanner{Client: j.client, Platform: j.host, SBOM: j.ui.SBOM, Resolve: j.ui.ImageResolveMode.String()}
	return res, scanner.Attest(ctx, res, images)
}

// marshalPlans returns the plans by platform, as JSON.
func marshalPlans(wanted []ocispecs.Platform, chosen []platformPlan) ([]byte, error) {
	plans := map[string]plan.JSON{}
	for i, platform := range wanted {
		plans[platforms.Format(platforms.Normalize(platform))] = chosen[i].plan.JSON()
	}
	return json.Marshal(plans)
}

// each calls f for all platforms concurrently.
func each(ctx context.Context, wanted []ocispecs.Platform, f func(context.Context, int, ocispecs.Platform) error) error {
	group, ctx := errgroup.WithContext(ctx)
	for i, platform := range wanted {
		group.Go(func() error { return f(ctx, i, platforms.Normalize(platform)) })
	}
	return group.Wait()
}

// publishedNames returns the names for an exporter with name=*: those under which some platform is published.
func publishedNames(chosen []platformPlan) []string {
	var names []string
	for _, c := range chosen {
		for _, ref := range c.plan.Publish {
			if !slices.Contains(names, ref) {
				names = append(names, ref)
			}
		}
	}
	return names
}

// planOrReuse returns the plan that an earlier frontend passed on, or makes a new one and announces it.
func (j *job) planOrReuse(ctx context.Context, platform ocispecs.Platform, planFor planner) (platformPlan, error) {
	if made, ok := j.options.plans[platforms.Format(platform)]; ok {
		c := platformPlan{plan: made.Plan()}
		if made.Variant == plan.Lock && made.From == "" {
			deps, err := named(ctx, j.ui, depsContext, platform)
			if err != nil {
				return c, err
			}
			c.image = deps
		}
		return c, j.useBaseContext(ctx, platform, &c)
	}
	c, err := planFor(ctx, platform)
	if err != nil {
		return c, err
	}
	for _, note := range c.plan.Notes {
		j.warn(ctx, note)
	}
	return c, j.announce(ctx, platform, c.plan)
}

// announce shows in the progress which variant a platform uses, and why.
func (j *job) announce(ctx context.Context, platform ocispecs.Platform, p *plan.Plan) error {
	title := fmt.Sprintf("[plan] %s: %s", p.Variant, p.Reason)
	if len(j.platforms()) > 1 {
		title = fmt.Sprintf("[plan] %s: %s: %s", platforms.Format(platform), p.Variant, p.Reason)
	}
	said := llb.Scratch().File(llb.Mkfile("/plan", 0o600, []byte(title)), llb.WithCustomName(title), llb.Platform(j.host))
	_, err := imagebuild.Solve(ctx, j.client, said, j.host, gateway.SolveRequest{Evaluate: true})
	return err
}

// plansKey is the option with which a frontend passes its plans to another one.
const plansKey = "rtbuild.plans"

// delegate starts another frontend that builds the plans of this one. BuildKit records every image that a frontend resolves as a material
// in the provenance, and this frontend resolved some that the build does not use.
func (j *job) delegate(ctx context.Context, wanted []ocispecs.Platform, chosen []platformPlan) (*gateway.Result, error) {
	data, err := marshalPlans(wanted, chosen)
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

// inputDefinitions returns the results of other targets that the build got as inputs.
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

// attests reports whether the user requests an attestation of a type.
func (f *frontend) attests(kind string) bool {
	attrs, ok := f.ui.BuildOpts().Opts["attest:"+kind]
	return ok && !strings.Contains(attrs, "disabled=true")
}

// request returns the request to the build function for a plan.
func (j *job) request(stage string, platform ocispecs.Platform, c platformPlan) imagebuild.Request {
	return imagebuild.Request{
		Runtime: j.runtime.Image(), Tools: j.runtime.ToolsDigest(), Platform: platform, Stage: stage, Variant: c.plan.Variant, Entry: c.entry(),
		BuildImage: imagebuild.EntryImage{Ref: c.plan.Build},
		Tree:       j.source.Copied, DepsDigest: j.source.DepsDigest, Epoch: j.options.Epoch,
		LockFiles: j.locks, Source: j.source.State,
		Proxy: j.options.Proxies(), Steps: runOptions(j.ui), NoCache: j.ui.IsNoCache, SourceLocation: j.file.location,
		Resolve: j.ui.ImageResolveMode.String(), Imports: j.ui.CacheImports, CacheNamespace: j.ui.CacheIDNamespace,
		Compression: j.options.compression.Key(),
		Args:        j.ui.BuildArgs, Labels: j.ui.Labels, ScanAll: j.options.scan.All, NoTest: j.options.NoTest, TestExisting: j.testExisting,
	}
}
