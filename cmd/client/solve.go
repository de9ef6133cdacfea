package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/rtbuild/rtbuild/internal/destination"
	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/internal/solve"
)

// solveOptions are the flags of solve.
type solveOptions struct {
	project projectOptions
	place   placeOptions
	plan    planOptions
	build   buildOptions
	output  outputOptions
	dryRun  bool
}

func newSolve() *cobra.Command {
	var o solveOptions
	cmd := &cobra.Command{
		Use:     "solve [CONTEXT]",
		Aliases: []string{"build"},
		Short:   "Plan, build and publish; prints the source image's reference",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runSolve(cmd.Context(), cmd.OutOrStdout(), &o, args)
		},
	}
	o.project.register(cmd)
	o.place.register(cmd)
	o.plan.register(cmd)
	o.build.register(cmd)
	o.output.register(cmd)
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "plan only")
	return cmd
}

func runSolve(ctx context.Context, out io.Writer, o *solveOptions, args []string) error {
	var places []*destination.Destination // the private pair stays while it is planned again
	defer func() {
		for _, at := range places {
			_ = at.Close()
		}
	}()
	return replanning(func() error {
		return solveOnce(ctx, out, o, args, func(at *destination.Destination) { places = append(places, at) })
	})
}

// solveOnce plans and builds. A file that changed meanwhile is a *tags.ChangedError: nothing that it was hashed for is
// published. What it opened is the caller's to close.
func solveOnce(ctx context.Context, out io.Writer, o *solveOptions, args []string, opened func(*destination.Destination)) error {
	p, err := o.project.read(args)
	if err != nil {
		return err
	}
	flags, err := o.build.read(o.place.caFile)
	if err == nil {
		err = flags.checkAnnotations(p.platforms)
	}
	if err != nil {
		return withCode(exitUsage, err)
	}
	at, err := o.place.open(ctx, p, &o.project)
	if err != nil {
		return err
	}
	opened(at)
	flags.publishTo(at.Repository)
	exports, err := o.output.exports(ctx, p.Tags.Images.Source)
	if err == nil {
		err = checkExports(exports, len(p.platforms) > 1, len(flags.attests) > 0)
	}
	if err == nil {
		err = o.output.checkCompression(exports)
	}
	if err != nil {
		return withCode(exitUsage, err)
	}
	at.Use(furtherRefs(o.plan.reuse, exports, flags)...)
	found, err := o.plan.make(ctx, p, at)
	if err != nil {
		return err
	}
	if o.dryRun {
		return printPlan(out, o.project.format, p, found)
	}
	b := &execution{options: o, project: p, destination: at, plan: found, exports: exports, flags: flags}
	if err := b.run(ctx); err != nil {
		return err
	}
	if slices.ContainsFunc(exports, solve.Export.ToStdout) {
		out = os.Stderr // standard output holds the image
	}
	return b.report(out)
}

// announce says what is about to happen, and where: the first lines of solve, one for each platform.
func (b *execution) announce() {
	for _, a := range b.plan.Platforms {
		where := "publishing to " + b.destination.Repository
		switch {
		case !b.publishes():
			where = "publishing nothing"
		case a.Variant == plan.None:
			where = "in " + b.destination.Repository
		}
		platform := ""
		if !b.plan.Single() {
			platform = a.Name() + ": "
		}
		fmt.Fprintf(os.Stderr, "%s%s: %s; %s\n", platform, a.Variant, a.Reason, where)
		for _, note := range a.Notes {
			fmt.Fprintf(os.Stderr, "NOTE: %s%s\n", platform, note)
		}
	}
}

// report writes what scripts read, and tells how to run an image that lives in the private registry.
func (b *execution) report(out io.Writer) error {
	o, source := b.options, b.project.Tags.Images.Source
	digest := b.sourceDigest()
	if err := o.output.write(b.project, b.plan, digest, b.response); err != nil {
		return err
	}
	if b.destination.Embedded && o.output.publishes() {
		fmt.Fprintf(os.Stderr, "To run it: docker run %s, while rtbuild-client serve runs (or solve --load)\n", source)
	}
	if o.project.format == "json" {
		return printJSON(out, map[string]any{
			"image": source, "digest": digest, "variant": b.plan.Variant(), "publish": b.plan.Refs(),
			"platforms": b.plan.Document(b.project.Tags).Platforms,
		})
	}
	_, err := fmt.Fprintln(out, source)
	return err
}

// sourceDigest is what the source tag points to, or the digest of what was exported; empty if nobody tells.
func (b *execution) sourceDigest() string {
	if b.digest == "" && b.plan.Done() {
		return b.plan.Platforms[0].Entry.Digest.String()
	}
	return b.digest
}

// warnOfTree tells what of the source a builder does not get.
func warnOfTree(p *target) {
	for _, w := range p.Tree.Warnings {
		warn(w)
	}
}
