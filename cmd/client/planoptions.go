package main

import (
	"context"
	"time"

	"github.com/rtbuild/rtbuild/internal/destination"
	"github.com/rtbuild/rtbuild/internal/options"
	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/internal/planning"
	"github.com/rtbuild/rtbuild/tags"
)

// baseTimeout is how long the base's registry may take to tell what the base's tag points to, where that only informs.
const baseTimeout = 2 * time.Second

// makePlan asks registries what exists, and plans for each platform.
func makePlan(ctx context.Context, p *target, d *destination.Destination, o *options.Planning) (*planning.Result, error) {
	if o.Strict {
		if err := checkStrict(p); err != nil {
			return nil, err
		}
	}
	request, err := planningRequest(p, o)
	if err != nil {
		return nil, withCode(exitUsage, err)
	}
	if err := d.LeaseFor(ctx, o.ReuseFrom...); err != nil {
		return nil, err
	}
	request.MayPush = d.CheckPush
	return planning.Make(ctx, d, request)
}

// planningRequest asks for everything that exists: the JSON of a plan tells it.
func planningRequest(p *target, o *options.Planning) (planning.Request, error) {
	request := planning.Request{
		Input:     planning.InputOf(p.Runtime, p.Tags, p.Tree.Copied, p.Tree.DepsDigest),
		Platforms: p.platforms, Named: p.named, Reuse: o.ReuseFrom,
		Exhaustive: true, BaseTimeout: baseTimeout, Warn: warn,
	}
	request.Input.Force, request.Input.Pull, request.Input.Variant = o.Force, o.Pull, plan.Variant(o.Variant)
	if o.PreviousVersion == "" {
		return request, nil
	}
	var err error
	if request.PreviousTag, err = tags.VersionedTag(p.Inputs.Base, o.PreviousVersion); err != nil {
		return request, options.Flags.Invalid(options.PreviousVersion, o.PreviousVersion, err)
	}
	return request, nil
}
