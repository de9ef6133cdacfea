package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rtbuild/rtbuild/internal/buildflags"
	"github.com/rtbuild/rtbuild/internal/destination"
	"github.com/rtbuild/rtbuild/internal/options"
	"github.com/rtbuild/rtbuild/internal/options/flags"
	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/internal/publish"
	"github.com/rtbuild/rtbuild/internal/solve"
)

// solveOptions are the options of solve.
type solveOptions struct {
	runtime     options.Runtime
	builder     options.Builder
	planning    options.Planning
	build       buildflags.Options
	outputs     options.Outputs
	compression options.Compression
	printing    options.Printing
	solve       options.Solve
}

// sets returns the sets of options that solve takes.
func (o *solveOptions) sets() []options.Set {
	return append(o.build.Sets(), &o.runtime, &o.builder, &o.planning, &o.outputs, &o.compression, &o.printing, &o.solve)
}

func newSolve() *cobra.Command {
	var o solveOptions
	cmd := &cobra.Command{
		Use:     "solve [CONTEXT]",
		Aliases: []string{"build"},
		Short:   "Plan, build and publish; prints the source image's reference",
		Example: "  rtbuild-client solve\n" +
			"  rtbuild-client solve --repository registry.example.com/team/runtime -t registry.example.com/team/runtime:latest",
		Args: oneContext,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runSolve(cmd.Context(), cmd.OutOrStdout(), &o, args)
		},
	}
	flags.Add(cmd.Flags(), cmd.Name(), o.sets()...)
	return cmd
}

func runSolve(ctx context.Context, out io.Writer, o *solveOptions, args []string) error {
	var opened []*destination.Destination // closed at the end, so that the private pair keeps running between attempts
	defer func() {
		for _, d := range opened {
			_ = d.Close()
		}
	}()
	return replanning(func() error {
		return solveOnce(ctx, out, o, args, func(d *destination.Destination) { opened = append(opened, d) })
	})
}

// solveOnce plans and builds once. The error is a *tags.ChangedError if a file has changed meanwhile; then no tag is published that
// the file belongs to. opened receives the destination, which the caller must close.
func solveOnce(ctx context.Context, out io.Writer, o *solveOptions, args []string, opened func(*destination.Destination)) error {
	p, err := readTarget(&o.runtime, args)
	if err != nil {
		return err
	}
	p.buildArgs = options.Pairs(o.build.Args, os.LookupEnv)
	settings, err := buildflags.Read(&o.build, p.Runtime.Args, o.builder.CAFile, warn)
	if err == nil {
		err = settings.CheckAnnotations(p.platforms)
	}
	if err != nil {
		return withCode(exitUsage, err)
	}
	d, err := openDestination(ctx, p, &o.builder)
	if err != nil {
		return err
	}
	opened(d)
	settings.PublishTo(d.Repository)
	exports, err := buildflags.ReadExports(ctx, &o.outputs, o.compression, buildflags.Image{Ref: p.Tags.Images.Source, Stored: d.Engine != nil})
	if err == nil {
		err = exports.Check(len(p.platforms) > 1, len(settings.Attests) > 0)
	}
	if err != nil {
		return withCode(exitUsage, err)
	}
	if unused := exports.Unused(o.outputs.Tags); len(unused) > 0 {
		warn("--tag " + strings.Join(unused, ", ") + " is not used: no output is an image without a name")
	}
	made, err := makePlan(ctx, p, d, &o.planning)
	if err != nil {
		return err
	}
	if o.solve.DryRun {
		return printPlan(out, o.printing.JSON(), p, made)
	}
	if err := checkLocks(p, made); err != nil {
		return err
	}
	settings.Reuse, settings.Common.NoTest = o.planning.ReuseFrom, o.planning.NoTest
	return o.run(ctx, out, publish.Request{
		Build: newBuild(p, d, settings, o.builder.Debug),
		Plan:  made, Push: exports.Publish, Compression: exports.Compression, Exports: exports.All, Tags: exports.Tags, Replace: o.planning.Force,
	})
}

// run builds, and prints the result.
func (o *solveOptions) run(ctx context.Context, out io.Writer, request publish.Request) error {
	announce(request)
	began := time.Now()
	result, err := publish.Run(ctx, request)
	if err != nil {
		return err
	}
	summarize(ctx, began, request, result)
	if slices.ContainsFunc(request.Exports, solve.Export.ToStdout) {
		out = os.Stderr // standard output holds the image
	}
	return o.report(out, request, result)
}

// announce prints the first lines of solve: the plan of each platform, and where the images go.
func announce(request publish.Request) {
	for _, p := range request.Plan.Platforms {
		where := "publishing to " + place(request.Destination)
		switch {
		case !request.Push:
			where = "publishing nothing"
		case p.Variant == plan.None:
			where = "in " + place(request.Destination)
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

// place returns where images are published, for messages.
func place(d *destination.Destination) string {
	if d.Engine != nil {
		return fmt.Sprintf("%s in the Docker engine %s", d.Repository, d.Engine.Context)
	}
	return d.Repository
}

// report prints the result for scripts, and how to run an image in the private registry.
func (o *solveOptions) report(out io.Writer, request publish.Request, result *publish.Result) error {
	names, made := request.Project.Tags, request.Plan
	if err := writeOutputs(&o.outputs, names, made, result); err != nil {
		return err
	}
	if request.Destination.Embedded && request.Push {
		fmt.Fprintf(os.Stderr, "To run it: docker run %s, while rtbuild-client serve runs (or solve --load)\n", names.Images.Source)
	}
	if request.Destination.Engine != nil && request.Push {
		fmt.Fprintf(os.Stderr, "To run it: docker run %s\n", names.Images.Source)
	}
	if o.printing.JSON() {
		return printJSON(out, map[string]any{
			"image": names.Images.Source, "digest": result.Digest, "variant": made.Variant(), "publish": made.Refs(),
			"platforms": made.Document(names).Platforms,
		})
	}
	_, err := fmt.Fprintln(out, names.Images.Source)
	return err
}
