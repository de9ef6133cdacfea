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

// baseTimeout is how long to wait for the digest of the base's tag if the plan only mentions it.
const baseTimeout = 2 * time.Second

// makePlan looks up the existing images and makes a plan for each platform.
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
	request.MayPush, d.PullBase = d.CheckPush, o.Pull
	return planning.Make(ctx, d, request)
}

// planningRequest returns the request for a plan. It looks up all images, since the JSON of a plan lists them.
func planningRequest(p *target, o *options.Planning) (planning.Request, error) {
	request := planning.Request{
		Input:     planning.InputOf(p.Runtime, p.Tags, p.Tree.Copied, p.Tree.DepsDigest),
		Platforms: p.platforms, Named: p.named, Reuse: o.ReuseFrom,
		Exhaustive: true, BaseTimeout: baseTimeout, Warn: warn,
	}
	request.Input.Force, request.Input.Pull, request.Input.Variant = o.Force, o.Pull, plan.Variant(o.Variant)
	request.Input.Tests = request.Input.Tests && !o.NoTest
	request.Input.Spelling = planning.SpellingOf(options.Flags)
	if o.PreviousVersion == "" {
		return request, nil
	}
	var err error
	if request.PreviousTag, err = tags.VersionedTag(p.Inputs.Base, o.PreviousVersion); err != nil {
		return request, options.Flags.Invalid(options.PreviousVersion, o.PreviousVersion, err)
	}
	return request, nil
}
