// Package planning finds out what exists and gives each platform one plan. It knows which references to ask about, in which
// order, and what an answer means; package plan then decides. The client, the frontend and tests use it through a Looker.
//
// Only a definite "not found" starts a build: an image that may not be read, a registry that does not answer, and an
// image that is broken are errors, since the tag may be taken.
package planning

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/containerd/platforms"
	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/plan"
)

// Request says what is planned, and where to look.
type Request struct {
	// Input describes the runtime. What exists (BaseDigest, Source, Lock, Versioned) is filled in by Make. Without a
	// repository in its tags nothing can be asked about.
	Input       plan.Input
	Platforms   []ocispecs.Platform // at least one
	Named       bool                // the user named the platforms, so that a tag holds others, now or later
	Reuse       []string            // further repositories in which deps images are looked for, HOST/PATH
	PreviousTag string              // tag of an earlier version's versioned image; empty is none

	// Exhaustive asks about everything, side by side: the plan then tells of every image whether it exists. Otherwise one
	// image is asked about after the other, up to the first that counts: each look costs a round trip, and BuildKit
	// records each image that a frontend resolved as a material of the build.
	Exhaustive bool

	// BaseTimeout limits how long to wait for the base's digest where it only informs; 0 is no limit.
	BaseTimeout time.Duration

	// MayPush returns nil if the repository may be pushed to. Registries deny the reading of repositories that do not
	// exist yet: whoever may push may take such a repository as empty. Nil takes a denial as an error.
	MayPush func(context.Context) error
	Warn    func(message string) // what the user should know and is no error; nil drops it
}

// Make asks what exists and returns a plan for each platform. The error is a *LookupError if it could not be learned
// whether an image exists; any other comes from plan.Make, from resolving the base with Pull, or is the context's.
func Make(ctx context.Context, looker Looker, req Request) (*Result, error) {
	ctx, cancel := context.WithCancel(ctx)
	p := &planner{Request: req, looker: looker}
	defer p.running.Wait()
	defer cancel()
	base := p.base(ctx)
	pending := make([][]lookup, len(req.Platforms))
	for i, platform := range req.Platforms {
		pending[i] = p.lookups(ctx, platform)
	}
	result := &Result{MergesIndex: req.Named}
	for i, platform := range req.Platforms {
		made, err := p.decide(ctx, platform, base, pending[i])
		if err != nil {
			return nil, err
		}
		result.Platforms = append(result.Platforms, *made)
	}
	result.MergesIndex = result.MergesIndex || p.othersKept
	return result, nil
}

// planner holds what the plans of all platforms have in common.
type planner struct {
	Request
	looker     Looker
	running    sync.WaitGroup
	pushable   *bool // nil: not asked yet
	othersKept bool  // a tag that may be published holds other platforms
}

// lookup is a reference and a function that waits for its answer.
type lookup struct {
	reference
	answer func() (*plan.Image, error)
}

// asksAll reports whether every reference is asked about, whatever the answers are. A variant that the user names is judged
// by all candidates.
func (p *planner) asksAll() bool { return p.Exhaustive || p.Input.Variant != "" }

// asksNothing reports whether no answer could change the plan.
func (p *planner) asksNothing() bool { return p.Input.Force && !p.Exhaustive }

// lookups begins to ask, or prepares to ask one after the other.
func (p *planner) lookups(ctx context.Context, platform ocispecs.Platform) []lookup {
	if p.asksNothing() {
		return nil
	}
	var all []lookup
	for _, r := range p.references() {
		answer := sync.OnceValues(func() (*plan.Image, error) { return p.looker.Lookup(ctx, r.ref, platform) })
		if p.asksAll() {
			p.running.Go(func() { _, _ = answer() })
		}
		all = append(all, lookup{r, answer})
	}
	return all
}

// base asks what the base's tag points to. With Pull the digest decides, so it must be had; else it only tells that a base
// has moved, and an error leaves it out.
func (p *planner) base(ctx context.Context) func() (digest.Digest, error) {
	if p.asksNothing() || p.Input.Deps != "" || !p.Exhaustive && !p.Input.Pull {
		return func() (digest.Digest, error) { return "", nil }
	}
	answer := sync.OnceValues(func() (digest.Digest, error) { return p.resolveBase(ctx) })
	if p.Exhaustive {
		p.running.Go(func() { _, _ = answer() })
	}
	return answer
}

func (p *planner) resolveBase(ctx context.Context) (digest.Digest, error) {
	if !p.Input.Pull && p.BaseTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, p.BaseTimeout)
		defer cancel()
	}
	found, err := p.looker.Resolve(ctx, p.Input.Base, p.Platforms[0])
	if err != nil && !p.Input.Pull {
		return "", nil
	}
	return found, err
}

// decide takes the answers for a platform until they are enough, and makes its plan.
func (p *planner) decide(ctx context.Context, platform ocispecs.Platform, base func() (digest.Digest, error), lookups []lookup) (*PlatformPlan, error) {
	in := p.Input
	var err error
	if in.BaseDigest, err = base(); err != nil {
		return nil, err
	}
	made := &PlatformPlan{Platform: platform}
	for _, l := range lookups {
		img, err := p.judge(ctx, l, made)
		if err != nil {
			return nil, err
		}
		record(&in, l.role, img)
		if !p.asksAll() && counts(in) {
			break
		}
	}
	if made.Plan, err = plan.Make(in); err != nil {
		return nil, p.about(platform, err)
	}
	return made, nil
}

// about says which platform an error is about, where there are several.
func (p *planner) about(platform ocispecs.Platform, err error) error {
	if len(p.Platforms) == 1 {
		return err
	}
	return fmt.Errorf("%s: %w", platforms.Format(platform), err)
}

// record puts an image that exists among the input of a plan.
func record(in *plan.Input, role string, img *plan.Image) {
	switch {
	case img == nil:
	case role == RoleSource:
		in.Source = img
	case role == RoleLock:
		in.Lock = append(in.Lock, img)
	default:
		in.Versioned = append(in.Versioned, img)
	}
}

// counts reports whether what was found so far saves a build from scratch.
func counts(in plan.Input) bool {
	made, err := plan.Make(in)
	return err == nil && made.Variant != plan.Scratch
}

// judge returns the image if it exists and nil if it is absent. Everything else is an error, but for a broken image that
// Force replaces, and for a denial in a repository that may be pushed to.
func (p *planner) judge(ctx context.Context, l lookup, made *PlatformPlan) (*plan.Image, error) {
	img, err := l.answer()
	switch {
	case err == nil:
		if l.published {
			p.othersKept = p.othersKept || holdsOthers(img, made.Platform)
		}
		return img, nil
	case errors.Is(err, ErrAbsent):
		return nil, nil
	case errors.Is(err, ErrOtherPlatform):
		if l.published {
			p.othersKept = true
			made.OtherPlatforms = append(made.OtherPlatforms, l.ref)
		}
		return nil, nil
	case errors.Is(err, ErrBroken) && p.Input.Force:
		line, _, _ := strings.Cut(err.Error(), "\n")
		p.warn(line + "; it will be replaced")
		return nil, nil
	case errors.Is(err, ErrDenied) && l.own && p.mayPush(ctx):
		return nil, nil
	}
	return nil, &LookupError{Role: l.role, Ref: l.ref, Own: l.own, Err: err}
}

// mayPush reports whether the repository may be pushed to. It asks once, and says once what follows from it.
func (p *planner) mayPush(ctx context.Context) bool {
	if p.pushable == nil {
		may := p.MayPush != nil && p.MayPush(ctx) == nil
		if p.pushable = &may; may {
			p.warn(p.Input.Tags.Repository + " may not be read, but may be pushed to: its images count as absent")
		}
	}
	return *p.pushable
}

func (p *planner) warn(message string) {
	if p.Warn != nil {
		p.Warn(message)
	}
}

// holdsOthers reports whether a tag holds an image for another platform than the one that was asked for.
func holdsOthers(img *plan.Image, platform ocispecs.Platform) bool {
	same := platforms.OnlyStrict(platform)
	return slices.ContainsFunc(img.Platforms, func(has ocispecs.Platform) bool {
		return has.OS != "" && !same.Match(platforms.Normalize(has))
	})
}
