package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/distribution/reference"
	"github.com/opencontainers/go-digest"
	"github.com/spf13/cobra"

	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/internal/registry"
	"github.com/rtbuild/rtbuild/llb"
	"github.com/rtbuild/rtbuild/tags"
)

// baseTimeout is how long the base's registry may take to say what its tag points to. It is asked at best effort: the
// answer only tells that a base has moved.
const baseTimeout = 2 * time.Second

// planOptions are the flags that steer a plan.
type planOptions struct {
	reuse       []string
	previous    string
	force, pull bool
	variant     string
}

func (o *planOptions) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&o.reuse, "reuse-from", nil, "further repository in which deps images are looked for, read-only (repeatable)")
	flags.StringVar(&o.previous, "previous-version", "", "version whose versioned image may be entered")
	flags.BoolVar(&o.force, "force-rebuild", false, "ignore the images that exist")
	flags.BoolVar(&o.pull, "pull", false, "rebuild what was made from an older base or by an older recipe")
	flags.StringVar(&o.variant, "variant", "", "enter here: none, lock, versioned, scratch (default: the least work)")
}

// survey asks the registries and gives the plan.
func (o *planOptions) survey(ctx context.Context, p *project, at *place, publishes bool) (*plan.Plan, error) {
	in, err := o.ask(ctx, p, at, publishes)
	if err != nil {
		return nil, err
	}
	made, err := plan.Make(*in)
	if err != nil {
		return nil, withCode(exitUsage, err)
	}
	return made, nil
}

// question is a reference that is looked up for a role.
type question struct {
	role, ref string
	own       bool // in the repository that is published to
	target    bool // this very tag may be published
}

// questions are the references that a plan is made from. A previous version that cannot stand in a tag is an error.
func (o *planOptions) questions(p *project) ([]question, error) {
	images := p.tags.Images
	all := []question{
		{role: "source", ref: images.Source, own: true, target: true},
		{role: "lock", ref: images.Lock, own: true, target: true},
		{role: "versioned", ref: images.Versioned, own: true, target: true},
	}
	var previous string
	if o.previous != "" {
		var err error
		if previous, err = tags.VersionedTag(p.inputs.Base, o.previous); err != nil {
			return nil, withCode(exitUsage, fmt.Errorf("--previous-version: %w", err))
		}
		all = append(all, question{role: "versioned", ref: p.tags.Repository + ":" + previous, own: true})
	}
	for _, repo := range o.reuse {
		if named, err := reference.ParseNormalizedNamed(repo); err != nil || !reference.IsNameOnly(named) {
			return nil, withCode(exitUsage, fmt.Errorf("invalid --reuse-from %q: it is a repository without a tag, HOST/PATH", repo))
		}
		all = append(all, question{role: "lock", ref: repo + ":" + p.tags.Lock}, question{role: "versioned", ref: repo + ":" + p.tags.Versioned})
		if previous != "" {
			all = append(all, question{role: "versioned", ref: repo + ":" + previous})
		}
	}
	return all, nil
}

// ask looks everything up side by side.
func (o *planOptions) ask(ctx context.Context, p *project, at *place, publishes bool) (*plan.Input, error) {
	variant, err := o.parseVariant()
	if err != nil {
		return nil, err
	}
	questions, err := o.questions(p)
	if err != nil {
		return nil, err
	}
	base := o.askBase(ctx, p, at)
	refs := make([]string, len(questions))
	for i, q := range questions {
		refs[i] = q.ref
	}
	answers := at.registry.LookupAll(ctx, refs, p.platform)
	today, err := base()
	if err != nil {
		return nil, err
	}
	in := &plan.Input{
		Tags: p.tags, Base: p.runtime.Base, BaseDigest: today,
		Tree: p.tree.Copied, Tools: p.runtime.ToolsDigest(), Recipe: llb.Recipe,
		Foreign: p.foreign(), Force: o.force, Pull: o.pull, Variant: variant,
	}
	for i, answer := range answers {
		img, err := o.judge(ctx, at, questions[i], answer, publishes)
		if err != nil {
			return nil, err
		}
		record(in, questions[i].role, img)
	}
	return in, nil
}

// askBase asks what the base's tag points to today. With --pull the answer decides, so it must be had; else it only tells
// that a base has moved, and is not waited for long.
func (o *planOptions) askBase(ctx context.Context, p *project, at *place) func() (digest.Digest, error) {
	var (
		dgst digest.Digest
		err  error
		done = make(chan struct{})
	)
	go func() {
		defer close(done)
		if o.pull {
			dgst, err = at.registry.Resolve(ctx, p.runtime.Base)
			return
		}
		ctx, cancel := context.WithTimeout(ctx, baseTimeout)
		defer cancel()
		dgst, _ = at.registry.Resolve(ctx, p.runtime.Base)
	}()
	return func() (digest.Digest, error) {
		<-done
		return dgst, err
	}
}

func (o *planOptions) parseVariant() (plan.Variant, error) {
	if o.variant == "" {
		return "", nil
	}
	variant, err := plan.ParseVariant(o.variant)
	return variant, withCode(exitUsage, err)
}

// foreign reports whether a deps image that rtbuild did not make may be a start: its old source must lie where no
// dependencies do.
func (p *project) foreign() bool {
	for _, source := range p.runtime.Source {
		if source.Path == "." && p.runtime.Dependencies.Manager == "npm" {
			return false
		}
	}
	return true
}

func record(in *plan.Input, role string, img *registry.Image) {
	if img == nil {
		return
	}
	found := &plan.Image{Reference: img.Reference, Digest: img.Digest, Labels: img.Config.Config.Labels}
	switch role {
	case "source":
		in.Source = found
	case "lock":
		in.Lock = append(in.Lock, found)
	default:
		in.Versioned = append(in.Versioned, found)
	}
}

// judge tells absent from everything else: only what is surely absent may lead to a build.
func (o *planOptions) judge(ctx context.Context, at *place, q question, answer registry.Answer, publishes bool) (*registry.Image, error) {
	err := answer.Err
	switch {
	case err == nil:
		return answer.Image, nil
	case errors.Is(err, registry.ErrAbsent):
		return nil, nil
	case errors.Is(err, registry.ErrNoPlatform):
		if q.target && publishes && !o.force {
			return nil, otherPlatform(q, err)
		}
		return nil, nil
	case errors.Is(err, registry.ErrBroken) && o.force:
		warn(fmt.Sprintf("%s; it will be replaced", firstLine(err)))
		return nil, nil
	case errors.Is(err, registry.ErrDenied) && q.own:
		// Registries answer so for repositories that do not exist yet: who may push may believe that it is absent.
		if at.checkPush(ctx) != nil {
			return nil, err
		}
		at.warnOnce.Do(func() {
			warn(fmt.Sprintf("%s may not be read, but may be pushed to: taken as absent", at.repository))
		})
		return nil, nil
	}
	return nil, err
}

// otherPlatform refuses to publish over a tag that holds other platforms, since the tag would lose them.
func otherPlatform(q question, err error) error {
	return withCode(exitRegistry, fmt.Errorf("publishing would replace the other platforms of %s: %w\n"+
		"use a repository for each platform, or --force-rebuild to replace them", q.ref, err))
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
