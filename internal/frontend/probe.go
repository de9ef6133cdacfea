package frontend

import (
	"context"
	"fmt"
	"strings"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/build"
	"github.com/rtbuild/rtbuild/internal/plan"
	rtllb "github.com/rtbuild/rtbuild/llb"
	"github.com/rtbuild/rtbuild/tags"
)

// prober plans for one platform: it looks for images, the one first that leaves the least to do, and stops at the first
// that counts.
type prober struct {
	*job
	platform ocispecs.Platform
	in       plan.Input
	seen     int // images that exist
}

// plan looks for what exists. With all set it looks for everything, whatever it finds.
func (j *job) plan(ctx context.Context, stage string, platform ocispecs.Platform, all bool) (choice, error) {
	p := j.prober(stage, platform)
	if j.options.force {
		return p.make()
	}
	if all || j.options.pull {
		if err := p.resolveBase(ctx); err != nil {
			return choice{}, err
		}
	}
	if j.tags.Images.Source == "" {
		return choice{}, rtllb.Fault("repository", "no repository: where the images live must be known to look for them: write a line "+
			"such as repository: registry.example.com/team/runtime, or give --build-arg REPOSITORY=HOST/PATH")
	}
	all = all || p.in.Variant != ""
	steps, err := p.steps(stage)
	if err != nil {
		return choice{}, err
	}
	for _, look := range steps {
		if err := look(ctx); err != nil {
			return choice{}, err
		}
		if made, err := plan.Make(p.in); err == nil && made.Variant != plan.Scratch && !all {
			return p.choice(made), nil
		}
	}
	return p.make()
}

func (j *job) prober(stage string, platform ocispecs.Platform) *prober {
	return &prober{job: j, platform: platform, in: plan.Input{
		Tags: j.tags, Base: j.runtime.Base, Tree: j.source.Copied, Tools: j.runtime.ToolsDigest(), Cmd: j.runtime.Cmd, DepsDigest: j.source.DepsDigest, Recipe: rtllb.Recipe,
		Foreign: j.runtime.SourceApart(), Stage: stage, Force: j.options.force, Pull: j.options.pull, Variant: j.options.variant,
	}}
}

func (p *prober) make() (choice, error) {
	made, err := plan.Make(p.in)
	if err != nil {
		return choice{}, err
	}
	return p.choice(made), nil
}

// choice is a plan, and whether it leaves images unused that were looked at.
func (p *prober) choice(made *plan.Plan) choice {
	used := 0
	if made.Entry != nil {
		used = 1
	}
	return choice{plan: made, unused: p.seen > used}
}

// steps are the looks at the registry, in their order.
func (p *prober) steps(stage string) ([]func(context.Context) error, error) {
	images := p.tags.Images
	look := func(role, ref string, add func(*plan.Image)) func(context.Context) error {
		return func(ctx context.Context) error {
			img, err := p.look(ctx, role, ref)
			if img != nil {
				add(img)
			}
			return err
		}
	}
	lock := func(img *plan.Image) { p.in.Lock = append(p.in.Lock, img) }
	versioned := func(img *plan.Image) { p.in.Versioned = append(p.in.Versioned, img) }
	var all []func(context.Context) error
	if stage != plan.StageDeps {
		all = append(all, look("source", images.Source, func(img *plan.Image) { p.in.Source = img }))
	}
	all = append(all, look("lock", images.Lock, lock))
	for _, repo := range p.options.reuse {
		all = append(all, look("lock", repo+":"+p.tags.Lock, lock))
	}
	names := []string{p.tags.Versioned}
	if p.options.previous != "" {
		previous, err := tags.VersionedTag(p.runtime.Base, p.options.previous)
		if err != nil {
			return nil, fmt.Errorf("build argument PREVIOUS_VERSION: %w", err)
		}
		names = append(names, previous)
	}
	for _, repo := range append([]string{p.tags.Repository}, p.options.reuse...) {
		for _, name := range names {
			all = append(all, look("versioned", repo+":"+name, versioned))
		}
	}
	return all, nil
}

// look gives an image if it exists. Only what is surely absent is no error.
func (p *prober) look(ctx context.Context, role, ref string) (*plan.Image, error) {
	dgst, config, err := p.resolve(ctx, fmt.Sprintf("[plan] does the %s image %s exist?", role, ref), ref)
	if err != nil {
		fault := &build.ImageError{Ref: ref, Platform: platforms.Format(p.platform), Err: err}
		if fault.Kind() == build.Absent {
			p.losesPlatforms(ctx, ref, fault.OtherPlatforms())
			return nil, nil
		}
		return nil, p.blame(ref, fmt.Errorf("looking for the %s image: %w%s%s", role, fault,
			build.TrustAdvice(err, "the builder"), p.denied(ref, fault)))
	}
	img, err := rtllb.ParseImage(config)
	if err != nil {
		return nil, err
	}
	p.seen++
	if err := p.disagreement(img); err != nil {
		return nil, p.blame(ref, fmt.Errorf("the %s image %s is broken, its parts are for different platforms: %w: push it again, or delete the tag",
			role, ref, err))
	}
	if !plan.SamePlatform(img.Platform, p.platform) {
		p.losesPlatforms(ctx, ref, true)
		return nil, nil
	}
	return &plan.Image{Reference: ref, Digest: dgst, Labels: img.Config.Labels, Cmd: img.Config.Cmd, Config: config}, nil
}

// disagreement is what an image's parts say against one another. The builder chooses an index's image by what the index says, and
// takes one for another platform where this one runs it too.
func (p *prober) disagreement(img *rtllb.Image) error {
	claims := []plan.Claim{{By: "the config", Platform: img.Platform}}
	if !platforms.Only(p.platform).Match(platforms.Normalize(img.Platform)) {
		claims = append(claims, plan.Claim{By: "the tag", Platform: p.platform})
	}
	return plan.Disagreement(claims, img.Config.Labels, nil)
}

// isOwn reports whether a tag is of the repository that is published to.
func (p *prober) isOwn(ref string) bool { return strings.HasPrefix(ref, p.tags.Repository+":") }

// blame points an error about a tag at what named its repository.
func (p *prober) blame(ref string, err error) error {
	if !p.isOwn(ref) {
		return fmt.Errorf("build argument REUSE_FROM: %w", err)
	}
	return &rtllb.FieldError{Field: "repository", Err: err}
}

// resolve asks the registry, not the builder's memory of it.
func (p *prober) resolve(ctx context.Context, title, ref string) (digest.Digest, []byte, error) {
	name, err := tags.FullName(ref) // the builder takes the first part of a name for a registry, whatever it is
	if err != nil {
		return "", nil, err
	}
	_, dgst, config, err := p.client.ResolveImageConfig(ctx, name, sourceresolver.Opt{
		LogName: title,
		ImageOpt: &sourceresolver.ResolveImageOpt{
			Platform: &p.platform, ResolveMode: llb.ResolveModeForcePull.String(),
		},
	})
	return dgst, config, err
}

// resolveBase learns what the base's tag points to today. That it cannot be learned is an error only where it decides.
func (p *prober) resolveBase(ctx context.Context) error {
	dgst, _, err := p.resolve(ctx, "[plan] has the base moved?", p.runtime.Base)
	switch {
	case err != nil && !p.options.pull:
		return nil
	case err != nil:
		return &build.ImageError{Ref: p.runtime.Base, Platform: platforms.Format(p.platform), Err: err}
	}
	p.in.BaseDigest = dgst
	p.seen++
	return nil
}

// denied is what to do where a registry answers so for repositories that do not exist yet: nobody but who may push knows.
func (p *prober) denied(ref string, e *build.ImageError) string {
	switch {
	case e.Kind() != build.Denied:
		return ""
	case !p.isOwn(ref):
		return "; if the repository does not exist, leave it out"
	}
	return "; if the repository does not exist yet, --build-arg FORCE_REBUILD=1 builds without looking"
}
