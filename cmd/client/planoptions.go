package main

import (
	"context"
	"fmt"
	"time"

	"github.com/distribution/reference"
	"github.com/spf13/cobra"

	"github.com/rtbuild/rtbuild/internal/destination"
	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/internal/planning"
	"github.com/rtbuild/rtbuild/tags"
)

// baseTimeout is how long the base's registry may take to tell what the base's tag points to, where that only informs.
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

// make asks registries what exists, and plans for each platform.
func (o *planOptions) make(ctx context.Context, p *target, d *destination.Destination) (*planning.Result, error) {
	if o.strict {
		if err := checkStrict(p); err != nil {
			return nil, err
		}
	}
	request, err := o.request(p)
	if err != nil {
		return nil, withCode(exitUsage, err)
	}
	if err := d.Reach(ctx, o.reuse...); err != nil {
		return nil, err
	}
	request.MayPush = d.CheckPush
	return planning.Make(ctx, d, request)
}

// request asks for everything that exists: the JSON of a plan tells it.
func (o *planOptions) request(p *target) (planning.Request, error) {
	request := planning.Request{
		Input:     planning.InputOf(p.Runtime, p.Tags, p.Tree.Copied, p.Tree.DepsDigest),
		Platforms: p.platforms, Named: p.named, Reuse: o.reuse,
		Exhaustive: true, BaseTimeout: baseTimeout, Warn: warn,
	}
	request.Input.Force, request.Input.Pull = o.force, o.pull
	var err error
	if o.variant != "" {
		if request.Input.Variant, err = plan.ParseVariant(o.variant); err != nil {
			return request, err
		}
	}
	if o.previous != "" {
		if request.PreviousTag, err = tags.VersionedTag(p.Inputs.Base, o.previous); err != nil {
			return request, fmt.Errorf("--previous-version: %w", err)
		}
	}
	for _, repository := range o.reuse {
		if named, err := reference.ParseNormalizedNamed(repository); err != nil || !reference.IsNameOnly(named) {
			return request, fmt.Errorf("invalid --reuse-from %q: it is a repository without a tag, HOST/PATH", repository)
		}
	}
	return request, nil
}
