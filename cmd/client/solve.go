package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

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
	p, err := o.project.read(args)
	if err != nil {
		return err
	}
	flags, err := o.build.read(o.place.caFile)
	if err != nil {
		return withCode(exitUsage, err)
	}
	at, err := o.place.find(ctx, p, p.namedRepository(&o.project))
	if err != nil {
		return err
	}
	defer at.Close()
	if err := p.compute(ctx, at.repository); err != nil {
		return err
	}
	exports, err := o.output.exports(ctx, p.tags.Images.Source)
	if err != nil {
		return withCode(exitUsage, err)
	}
	made, err := o.plan.survey(ctx, p, at, o.output.publishes())
	if err != nil {
		return err
	}
	if o.dryRun {
		return printPlan(out, o.project.format, p, made)
	}
	b := &execution{options: o, project: p, place: at, plan: made, exports: exports, flags: flags}
	result, err := b.run(ctx)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(exports, solve.Export.ToStdout) {
		out = os.Stderr // standard output holds the image
	}
	return o.report(out, p, at, made, result)
}

// announce says what is about to happen, and where: the first line of solve.
func (b *execution) announce() {
	where := "publishing to " + b.place.repository
	switch {
	case !b.publishes():
		where = "publishing nothing"
	case b.plan.Variant == plan.None:
		where = "in " + b.place.repository
	}
	fmt.Fprintf(os.Stderr, "%s: %s; %s\n", b.plan.Variant, b.plan.Reason, where)
	for _, note := range b.plan.Notes {
		fmt.Fprintf(os.Stderr, "NOTE: %s\n", note)
	}
}

// report writes what scripts read, and tells how to run an image that lives in the private registry.
func (o *solveOptions) report(out io.Writer, p *project, at *place, made *plan.Plan, result *solve.Response) error {
	digest := ""
	if result != nil {
		digest = result.Digest()
	}
	if digest == "" && made.Variant == plan.None {
		digest = made.Entry.Digest.String()
	}
	if err := o.output.write(p, made, digest, result); err != nil {
		return err
	}
	if at.embedded && o.output.publishes() {
		fmt.Fprintf(os.Stderr, "To run it: docker run %s, while rtbuild-client serve runs (or solve --load)\n", p.tags.Images.Source)
	}
	if o.project.format == "json" {
		return printJSON(out, map[string]any{
			"image": p.tags.Images.Source, "digest": digest, "variant": made.Variant, "publish": append([]string{}, made.Publish...),
		})
	}
	_, err := fmt.Fprintln(out, p.tags.Images.Source)
	return err
}

// checkTree refuses a tree that a builder would not get whole.
func checkTree(p *project) error {
	for _, w := range p.tree.Warnings {
		warn(w)
	}
	if len(p.tree.Outside) == 0 {
		return nil
	}
	return withCode(exitUsage, fmt.Errorf("the source has links that leave the context, which no builder can follow: %s\n"+
		"copy what they point to into the context, or add them to ignore", strings.Join(p.tree.Outside, ", ")))
}
