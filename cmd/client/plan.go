package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rtbuild/rtbuild/internal/options"
	"github.com/rtbuild/rtbuild/internal/options/flags"
	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/internal/planning"
	"github.com/rtbuild/rtbuild/internal/profile"
	"github.com/rtbuild/rtbuild/tags"
)

// planOptions are the options of plan.
type planOptions struct {
	runtime  options.Runtime
	builder  options.Builder
	planning options.Planning
	printing options.Printing
	plan     options.Plan
}

func newPlan() *cobra.Command {
	var o planOptions
	cmd := &cobra.Command{
		Use:   "plan [CONTEXT]",
		Short: "Print the tags, what exists, the variant and why, and what would be published",
		Example: "  rtbuild-client plan\n" +
			"  rtbuild-client plan --check my-agent",
		Args: oneContext,
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.plan.Check {
				return runCheck(cmd.Context(), cmd.OutOrStdout(), &o, args)
			}
			return runPlan(cmd.Context(), cmd.OutOrStdout(), &o, args)
		},
	}
	flags.Add(cmd.Flags(), cmd.Name(), &o.runtime, &o.builder, &o.planning, &o.printing, &o.plan)
	return cmd
}

func runPlan(ctx context.Context, out io.Writer, o *planOptions, args []string) error {
	p, err := readTarget(&o.runtime, args)
	if err != nil {
		return err
	}
	p.buildArgs = options.Pairs(o.plan.Args, os.LookupEnv)
	at, err := openDestination(ctx, p, &o.builder)
	if err != nil {
		return err
	}
	defer at.Close()
	made, err := makePlan(ctx, p, at, &o.planning)
	if err != nil {
		return err
	}
	return printPlan(out, o.printing.JSON(), p, made)
}

func printPlan(out io.Writer, asJSON bool, p *target, found *planning.Result) error {
	if asJSON {
		document, err := planning.DocumentOf(p.Tags, found.Document(p.Tags).Platforms, p.Runtime, p.Files)
		if err != nil {
			return err
		}
		return printJSON(out, document)
	}
	var text strings.Builder
	for i, a := range found.Platforms {
		if i > 0 {
			text.WriteString("\n")
		}
		if !found.Single() {
			fmt.Fprintf(&text, "platform   %s\n", a.Name())
		}
		writePlan(&text, a, p.Tags.Images, painter(mayColor(out)))
		writeProjects(&text, p.Runtime)
		if err := writeWithoutWheel(&text, p, a); err != nil {
			return err
		}
		writeBuild(&text, p.Runtime)
	}
	_, err := io.WriteString(out, text.String())
	return err
}

// writeBuild writes the build command, and how to turn it off if nobody asked for it.
func writeBuild(text *strings.Builder, runtime *profile.Runtime) {
	if runtime.Build == nil {
		return
	}
	note := ""
	if runtime.DetectsBuild() {
		note = " (it makes the file that a container starts; build: none turns it off)"
	}
	fmt.Fprintf(text, "command    %s%s\n", runtime.Image().Build.Title(), note)
}

// colors are those of variants and states: what is there is green, what has to be built is yellow.
var colors = map[string]color{
	string(plan.None): green, string(plan.Lock): green, string(plan.Versioned): yellow, string(plan.Scratch): yellow,
	string(plan.Fresh): green, string(plan.Stale): yellow, string(plan.Absent): gray,
}

// writePlan writes the plan for a platform, one fact a line.
func writePlan(text *strings.Builder, a planning.PlatformPlan, images tags.Images, p painter) {
	fmt.Fprintf(text, "variant    %s: %s\nfrom       %s\n", p.paint(colors[string(a.Variant)], string(a.Variant)), a.Reason, a.From)
	for _, role := range []string{"lock", "versioned", "build", "source"} {
		ref := map[string]string{"lock": images.Lock, "versioned": images.Versioned, "build": images.Build, "source": images.Source}[role]
		if exists, known := a.Exists[role]; known {
			fmt.Fprintf(text, "%-10s %s (%s)\n", role, ref, p.paint(colors[string(exists)], string(exists)))
		}
	}
	if len(a.Publish) == 0 {
		text.WriteString("publish    nothing\n")
	}
	for _, ref := range a.Publish {
		fmt.Fprintf(text, "publish    %s\n", ref)
	}
	for _, note := range a.Notes {
		fmt.Fprintf(text, "note       %s\n", note)
	}
}
