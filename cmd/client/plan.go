package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/containerd/platforms"
	"github.com/spf13/cobra"

	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/tags"
)

func newPlan() *cobra.Command {
	var (
		project projectOptions
		where   placeOptions
		steer   planOptions
	)
	cmd := &cobra.Command{
		Use:   "plan [CONTEXT]",
		Short: "Print the tags, what exists, the variant and why, and what would be published",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runPlan(cmd.Context(), cmd.OutOrStdout(), &project, &where, &steer, args)
		},
	}
	project.register(cmd)
	where.register(cmd)
	steer.register(cmd)
	return cmd
}

func runPlan(ctx context.Context, out io.Writer, o *projectOptions, where *placeOptions, steer *planOptions, args []string) error {
	p, err := o.read(args)
	if err != nil {
		return err
	}
	at, err := where.find(ctx, p, p.namedRepository(o))
	if err != nil {
		return err
	}
	defer at.Close()
	if err := p.compute(ctx, at.repository); err != nil {
		return err
	}
	made, err := steer.survey(ctx, p, at, true)
	if err != nil {
		return err
	}
	return printPlan(out, o.format, p, made)
}

// platformPlan is a plan for one platform, in JSON.
type platformPlan struct {
	Variant plan.Variant          `json:"variant"`
	From    string                `json:"from"`
	Reason  string                `json:"reason"`
	Exists  map[string]plan.State `json:"exists"`
	Publish []string              `json:"publish"`
	Notes   []string              `json:"notes,omitempty"`
}

// planJSON is the output of plan --format json: the tags, the plan of each platform, and at the top level that of the
// only one.
type planJSON struct {
	tags.Set
	platformPlan
	Platforms map[string]platformPlan `json:"platforms"`
}

func printPlan(out io.Writer, format string, p *project, made *plan.Plan) error {
	if format == "json" {
		one := platformPlan{made.Variant, made.From, made.Reason, made.Exists, append([]string{}, made.Publish...), made.Notes}
		return printJSON(out, planJSON{p.tags, one, map[string]platformPlan{platforms.Format(p.platform): one}})
	}
	var text strings.Builder
	fmt.Fprintf(&text, "variant    %s: %s\nfrom       %s\n", made.Variant, made.Reason, made.From)
	for _, role := range []string{"lock", "versioned", "source"} {
		ref := map[string]string{"lock": p.tags.Images.Lock, "versioned": p.tags.Images.Versioned, "source": p.tags.Images.Source}[role]
		fmt.Fprintf(&text, "%-10s %s (%s)\n", role, ref, made.Exists[role])
	}
	if len(made.Publish) == 0 {
		text.WriteString("publish    nothing\n")
	}
	for _, ref := range made.Publish {
		fmt.Fprintf(&text, "publish    %s\n", ref)
	}
	for _, note := range made.Notes {
		fmt.Fprintf(&text, "note       %s\n", note)
	}
	_, err := io.WriteString(out, text.String())
	return err
}
