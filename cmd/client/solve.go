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
	"github.com/rtbuild/rtbuild/internal/publish"
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
	var opened []*destination.Destination // the private pair stays while it is planned again
	defer func() {
		for _, d := range opened {
			_ = d.Close()
		}
	}()
	return replanning(func() error {
		return solveOnce(ctx, out, o, args, func(d *destination.Destination) { opened = append(opened, d) })
	})
}

// solveOnce plans and builds. A file that changed meanwhile is a *tags.ChangedError: nothing that it was hashed for is
// published. The caller closes the destination that was opened.
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
	d, err := o.place.open(ctx, p, &o.project)
	if err != nil {
		return err
	}
	opened(d)
	flags.publishTo(d.Repository)
	exports, err := o.exports(ctx, p, flags)
	if err != nil {
		return withCode(exitUsage, err)
	}
	made, err := o.plan.make(ctx, p, d)
	if err != nil {
		return err
	}
	if o.dryRun {
		return printPlan(out, o.project.format, p, made)
	}
	return o.run(ctx, out, publish.Request{
		Build: o.build.forProject(p.Project, d, flags, &o.place, o.plan.reuse),
		Plan:  made, Push: o.output.publishes(), Exports: exports, Replace: o.plan.force,
	})
}

// exports are where else the image goes. What BuildKit would refuse after the build is refused here.
func (o *solveOptions) exports(ctx context.Context, p *target, flags *buildFlags) ([]solve.Export, error) {
	exports, err := o.output.exports(ctx, p.Tags.Images.Source)
	if err == nil {
		err = checkExports(exports, len(p.platforms) > 1, len(flags.attests) > 0)
	}
	if err == nil {
		err = o.output.checkCompression(exports)
	}
	return exports, err
}

// run builds, and prints what came of it.
func (o *solveOptions) run(ctx context.Context, out io.Writer, request publish.Request) error {
	announce(request)
	result, err := publish.Run(ctx, request)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(request.Exports, solve.Export.ToStdout) {
		out = os.Stderr // standard output holds the image
	}
	return o.report(out, request, result)
}

// announce says what is about to happen, and where: the first lines of solve, one for each platform.
func announce(request publish.Request) {
	for _, p := range request.Plan.Platforms {
		where := "publishing to " + request.Destination.Repository
		switch {
		case !request.Push:
			where = "publishing nothing"
		case p.Variant == plan.None:
			where = "in " + request.Destination.Repository
		}
		platform := ""
		if !request.Plan.Single() {
			platform = p.Name() + ": "
		}
		fmt.Fprintf(os.Stderr, "%s%s: %s; %s\n", platform, p.Variant, p.Reason, where)
		for _, text := range p.Notes {
			note(platform + text)
		}
	}
}

// report writes what scripts read, and tells how to run an image that lives in the private registry.
func (o *solveOptions) report(out io.Writer, request publish.Request, result *publish.Result) error {
	names, made := request.Project.Tags, request.Plan
	if err := o.output.write(names, made, result); err != nil {
		return err
	}
	if request.Destination.Embedded && request.Push {
		fmt.Fprintf(os.Stderr, "To run it: docker run %s, while rtbuild-client serve runs (or solve --load)\n", names.Images.Source)
	}
	if o.project.format == "json" {
		return printJSON(out, map[string]any{
			"image": names.Images.Source, "digest": result.Digest, "variant": made.Variant(), "publish": made.Refs(),
			"platforms": made.Document(names).Platforms,
		})
	}
	_, err := fmt.Fprintln(out, names.Images.Source)
	return err
}
