// Package planning finds out which images exist and makes one plan for each platform. It knows which references to look up,
// in which order, and what each result means; package plan then decides. The client, the frontend and tests provide a
// Looker.
//
// Only a definite "not found" starts a build. A denied or broken image and an unreachable registry are errors, because the
// tag may exist.
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

// Request says what to plan, and where to look for images.
type Request struct {
	// Input describes the runtime. Make fills in what exists: BaseDigest, Source, Lock, Versioned and Build. If its tags have no
	// repository, Make looks up nothing but the base.
	Input       plan.Input
	Platforms   []ocispecs.Platform // at least one
	Named       bool                // the user named the platforms, so tags may also hold others, now or later
	Reuse       []string            // further repositories to search for deps images, HOST/PATH
	PreviousTag string              // versioned tag of an earlier version's deps image; may be empty

	// Exhaustive looks up all references concurrently, so that the plan tells for every image whether it exists. Otherwise,
	// Make looks up one after the other and stops at the first usable image. That suits a frontend: each lookup costs a
	// round trip, and BuildKit records each resolved image as a material of the build.
	Exhaustive bool

	// BaseTimeout limits the wait for the base's digest if that is only informative; 0 means no limit.
	BaseTimeout time.Duration

	// MayPush returns nil if the user may push to the repository. Registries deny reads of a repository that does not exist
	// yet. If the user may push to it, a denied repository counts as empty. If MayPush is nil, a denial is an error.
	MayPush func(context.Context) error
	Warn    func(message string) // receives warnings; nil drops them
}

// Make looks up what exists and returns a plan for each platform. The error is a *LookupError if a lookup did not tell
// whether an image exists. Other errors come from plan.Make, from the context, or from resolving the base with Pull.
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

// planner holds what the plans of all platforms share.
type planner struct {
	Request
	looker     Looker
	running    sync.WaitGroup
	pushable   *bool // the result of MayPush; nil before the first call
	othersKept bool  // a tag to publish holds other platforms
}

// lookup is a reference and a function that waits for its result.
type lookup struct {
	reference
	wait func() (*plan.Image, error)
}

// looksUpAll reports whether all references are looked up, whatever the results are. A variant that the user asks for needs
// all candidates.
func (p *planner) looksUpAll() bool { return p.Exhaustive || p.Input.Variant != "" }

// looksUpNothing reports whether no lookup could change the plan.
func (p *planner) looksUpNothing() bool { return p.Input.Force && !p.Exhaustive }

// lookups returns the lookups for a platform. It starts them if all are needed; otherwise each starts when it is waited for.
func (p *planner) lookups(ctx context.Context, platform ocispecs.Platform) []lookup {
	if p.looksUpNothing() {
		return nil
	}
	var all []lookup
	for _, r := range p.references() {
		wait := sync.OnceValues(func() (*plan.Image, error) { return p.looker.Lookup(ctx, r.ref, platform) })
		if p.looksUpAll() {
			p.running.Go(func() { _, _ = wait() })
		}
		all = append(all, lookup{r, wait})
	}
	return all
}

// base returns a function that waits for the digest of the base. With Pull the digest is required. Otherwise it only tells
// whether the base has moved, so the digest is empty if resolving it fails.
func (p *planner) base(ctx context.Context) func() (digest.Digest, error) {
	if p.looksUpNothing() || p.Input.Deps != "" || !p.Exhaustive && !p.Input.Pull {
		return func() (digest.Digest, error) { return "", nil }
	}
	wait := sync.OnceValues(func() (digest.Digest, error) { return p.resolveBase(ctx) })
	if p.Exhaustive {
		p.running.Go(func() { _, _ = wait() })
	}
	return wait
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

// decide waits for a platform's lookups until they suffice, and makes its plan.
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
		if !p.looksUpAll() && suffices(in) {
			break
		}
	}
	if made.Plan, err = plan.Make(in); err != nil {
		return nil, p.withPlatform(platform, err)
	}
	return made, nil
}

// withPlatform adds the platform to an error if there are several platforms.
func (p *planner) withPlatform(platform ocispecs.Platform, err error) error {
	if len(p.Platforms) == 1 {
		return err
	}
	return fmt.Errorf("%s: %w", platforms.Format(platform), err)
}

// record adds an existing image to the input of a plan.
func record(in *plan.Input, role string, img *plan.Image) {
	switch {
	case img == nil:
	case role == RoleSource:
		in.Source = img
	case role == RoleBuild:
		in.Build = img
	case role == RoleLock:
		in.Lock = append(in.Lock, img)
	default:
		in.Versioned = append(in.Versioned, img)
	}
}

// suffices reports whether the images found so far avoid a build from scratch.
func suffices(in plan.Input) bool {
	made, err := plan.Make(in)
	return err == nil && made.Variant != plan.Scratch
}

// judge returns the image of a lookup, or nil if it is absent. A broken image counts as absent with Force, which replaces it.
// A denied one counts as absent if the user may push to the repository. Anything else is an error.
func (p *planner) judge(ctx context.Context, l lookup, made *PlatformPlan) (*plan.Image, error) {
	img, err := l.wait()
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

// mayPush reports whether the user may push to the repository. It checks once, and warns once that images count as absent.
func (p *planner) mayPush(ctx context.Context) bool {
	if p.pushable == nil {
		may := p.MayPush != nil && p.MayPush(ctx) == nil
		if p.pushable = &may; may {
			p.warn(p.Input.Tags.Repository + " cannot be read, but can be pushed to: its images count as absent")
		}
	}
	return *p.pushable
}

func (p *planner) warn(message string) {
	if p.Warn != nil {
		p.Warn(message)
	}
}

// holdsOthers reports whether a tag holds images for other platforms than the given one.
func holdsOthers(img *plan.Image, platform ocispecs.Platform) bool {
	same := platforms.OnlyStrict(platform)
	return slices.ContainsFunc(img.Platforms, func(has ocispecs.Platform) bool {
		return has.OS != "" && !same.Match(platforms.Normalize(has))
	})
}
