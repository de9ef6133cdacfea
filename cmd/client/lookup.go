package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
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
	strict      bool
}

func (o *planOptions) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&o.reuse, "reuse-from", nil, "further repository in which deps images are looked for, read-only (repeatable)")
	flags.StringVar(&o.previous, "previous-version", "", "version whose versioned image may be entered")
	flags.BoolVar(&o.force, "force-rebuild", false, "ignore the images that exist")
	flags.BoolVar(&o.pull, "pull", false, "rebuild what was made from an older base or by an older recipe")
	flags.BoolVar(&o.strict, "strict", false, "refuse tools whose checksum nobody has verified")
	flags.StringVar(&o.variant, "variant", "", "enter here: none, lock, versioned, scratch (default: the least work)")
}

// survey asks the registries and gives the plan of each platform.
func (o *planOptions) survey(ctx context.Context, p *target, at *place) (*survey, error) {
	variant, err := o.parseVariant()
	if err != nil {
		return nil, err
	}
	if o.strict {
		if err := p.checkStrict(); err != nil {
			return nil, err
		}
	}
	questions, err := o.questions(p)
	if err != nil {
		return nil, err
	}
	if err := at.reach(ctx, o.reuse...); err != nil {
		return nil, err
	}
	base := o.askBase(ctx, p, at)
	answers := askAll(ctx, p, at, questions)
	today, err := base()
	if err != nil {
		return nil, err
	}
	if err := at.alive(); err != nil {
		return nil, err
	}
	s := &survey{beside: p.named, base: today}
	for i, platform := range p.platforms {
		in := o.input(p)
		in.BaseDigest, in.Variant = today, variant
		if err := o.fill(ctx, at, in, questions, answers[i]); err != nil {
			return nil, err
		}
		made, err := plan.Make(*in)
		if err != nil {
			return nil, withCode(exitUsage, forPlatform(p, platform, err))
		}
		s.aims = append(s.aims, aim{platform, made})
		s.beside = s.beside || holdsOthers(questions, answers[i], platform)
	}
	return s, nil
}

// forPlatform says of an error which platform it is about, where there are several.
func forPlatform(p *target, platform ocispecs.Platform, err error) error {
	if len(p.platforms) == 1 {
		return err
	}
	return fmt.Errorf("%s: %w", platforms.Format(platform), err)
}

// askAll looks everything up for all platforms side by side. It gives the answers to all questions, by platform.
func askAll(ctx context.Context, p *target, at *place, questions []question) [][]registry.Answer {
	refs := make([]string, len(questions))
	for i, q := range questions {
		refs[i] = q.ref
	}
	answers := make([][]registry.Answer, len(p.platforms))
	var wg sync.WaitGroup
	for i, platform := range p.platforms {
		wg.Go(func() { answers[i] = at.registry.LookupAll(ctx, refs, platform) })
	}
	wg.Wait()
	return answers
}

// holdsOthers reports whether a tag that may be written holds another platform, which must stay.
func holdsOthers(questions []question, answers []registry.Answer, platform ocispecs.Platform) bool {
	same := platforms.OnlyStrict(platform)
	for i, answer := range answers {
		if !questions[i].target {
			continue
		}
		if errors.Is(answer.Err, registry.ErrNoPlatform) {
			return true
		}
		if answer.Image != nil && slices.ContainsFunc(answer.Image.Platforms, func(has ocispecs.Platform) bool {
			return has.OS != "" && !same.Match(platforms.Normalize(has))
		}) {
			return true
		}
	}
	return false
}

// input is what a plan is made from, apart from what the registries say.
func (o *planOptions) input(p *target) *plan.Input {
	return &plan.Input{
		Tags: p.Tags, Base: p.Runtime.Base,
		Tree: p.Tree.Copied, Tools: p.Runtime.ToolsDigest(), Cmd: p.Runtime.Cmd, DepsDigest: p.Tree.DepsDigest, Recipe: llb.Recipe,
		Foreign: p.Runtime.SourceApart(), Force: o.force, Pull: o.pull,
	}
}

// fill puts what exists into a plan's input.
func (o *planOptions) fill(ctx context.Context, at *place, in *plan.Input, questions []question, answers []registry.Answer) error {
	for i, answer := range answers {
		img, err := o.judge(ctx, at, questions[i], answer)
		if err != nil {
			return err
		}
		record(in, questions[i].role, img)
	}
	return nil
}

// question is a reference that is looked up for a role.
type question struct {
	role, ref string
	own       bool // in the repository that is published to
	target    bool // this very tag may be published
}

// questions are the references that a plan is made from. A previous version that cannot stand in a tag is an error.
func (o *planOptions) questions(p *target) ([]question, error) {
	images := p.Tags.Images
	all := []question{
		{role: "source", ref: images.Source, own: true, target: true},
		{role: "lock", ref: images.Lock, own: true, target: true},
		{role: "versioned", ref: images.Versioned, own: true, target: true},
	}
	var previous string
	if o.previous != "" {
		var err error
		if previous, err = tags.VersionedTag(p.Inputs.Base, o.previous); err != nil {
			return nil, withCode(exitUsage, fmt.Errorf("--previous-version: %w", err))
		}
		all = append(all, question{role: "versioned", ref: p.Tags.Repository + ":" + previous, own: true})
	}
	for _, repo := range o.reuse {
		if named, err := reference.ParseNormalizedNamed(repo); err != nil || !reference.IsNameOnly(named) {
			return nil, withCode(exitUsage, fmt.Errorf("invalid --reuse-from %q: it is a repository without a tag, HOST/PATH", repo))
		}
		all = append(all, question{role: "lock", ref: repo + ":" + p.Tags.Lock}, question{role: "versioned", ref: repo + ":" + p.Tags.Versioned})
		if previous != "" {
			all = append(all, question{role: "versioned", ref: repo + ":" + previous})
		}
	}
	return all, nil
}

// askBase asks what the base's tag points to today. With --pull the answer decides, so it must be had; else it only tells
// that a base has moved, and is not waited for long.
func (o *planOptions) askBase(ctx context.Context, p *target, at *place) func() (digest.Digest, error) {
	var (
		dgst digest.Digest
		err  error
		done = make(chan struct{})
	)
	go func() {
		defer close(done)
		if o.pull {
			dgst, err = at.registry.Resolve(ctx, p.Runtime.Base)
			return
		}
		ctx, cancel := context.WithTimeout(ctx, baseTimeout)
		defer cancel()
		dgst, _ = at.registry.Resolve(ctx, p.Runtime.Base)
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

func record(in *plan.Input, role string, img *registry.Image) {
	if img == nil {
		return
	}
	found := &plan.Image{Reference: img.Reference, Digest: img.Digest, Labels: img.Config.Config.Labels, Cmd: img.Config.Config.Cmd}
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
func (o *planOptions) judge(ctx context.Context, at *place, q question, answer registry.Answer) (*registry.Image, error) {
	err := answer.Err
	switch {
	case err == nil:
		return answer.Image, nil
	case errors.Is(err, registry.ErrAbsent), errors.Is(err, registry.ErrNoPlatform):
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

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
