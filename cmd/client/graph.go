package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/rtbuild/rtbuild/internal/buildflags"
	"github.com/rtbuild/rtbuild/internal/endpoints"
	"github.com/rtbuild/rtbuild/internal/options"
	"github.com/rtbuild/rtbuild/internal/options/flags"
	"github.com/rtbuild/rtbuild/internal/stagegraph"
)

// graphOptions are the options of graph.
type graphOptions struct {
	runtime options.Runtime
	builder options.Builder
	build   buildflags.Options
	graph   options.Graph
}

func newGraph() *cobra.Command {
	var o graphOptions
	cmd := &cobra.Command{
		Use:   "graph [CONTEXT]",
		Short: "Show how an image is made: its layers by stage, and which of them a solve would run",
		Long: "graph makes a plan and inspects the base image on the builder. It builds nothing.\n\n" +
			"--format chooses a list, JSON, Graphviz's DOT, Mermaid, or a picture in SVG. A solve reuses what exists, and makes what runs.\n\n" +
			"--addresses lists the addresses that a build from scratch contacts, with mirrors applied. A closed network must allow them.\n" +
			"An address is that of a file, or the prefix of the addresses that a package manager uses.\n\n" +
			"graph takes the flags about how a build runs, so that a script can give graph and solve the same. Most have no effect.",
		Example: "  rtbuild-client graph --format svg > image.svg\n" +
			"  rtbuild-client graph --addresses --format json | jq -r '.addresses[].address'",
		Args: oneContext,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runGraph(cmd.Context(), cmd.OutOrStdout(), &o, args)
		},
	}
	flags.Add(cmd.Flags(), cmd.Name(), append(o.build.Sets(), &o.runtime, &o.builder, &o.graph)...)
	return cmd
}

func runGraph(ctx context.Context, out io.Writer, o *graphOptions, args []string) error {
	asJSON := o.graph.Format == "json"
	if o.graph.Addresses && !asJSON && o.graph.Format != "text" {
		return withCode(exitUsage, fmt.Errorf("--addresses is printed as text or json, not as %s", o.graph.Format))
	}
	p, err := readTarget(&o.runtime, args)
	if err != nil {
		return err
	}
	settings, err := buildflags.Read(&o.build, p.Runtime.Args, o.builder.CAFile, warn)
	if err != nil {
		return withCode(exitUsage, err)
	}
	at, err := openDestination(ctx, p, &o.builder)
	if err != nil {
		return err
	}
	defer at.Close()
	build := newBuild(p, at, settings, o.builder.Debug)
	if o.graph.Addresses {
		uses, err := endpoints.List(ctx, build, p.platforms)
		if err != nil {
			return err
		}
		return printEndpoints(out, asJSON, uses)
	}
	made, err := makePlan(ctx, p, at, &options.Planning{})
	if err != nil {
		return err
	}
	graphs, err := stagegraph.List(ctx, build, made)
	if err != nil {
		return err
	}
	return printGraphs(ctx, out, o.graph.Format, graphs)
}

// printGraphs prints the graph of each platform. A picture holds one graph.
func printGraphs(ctx context.Context, out io.Writer, format string, graphs []stagegraph.Graph) error {
	if format == "json" {
		return printJSON(out, map[string]any{"graphs": graphs})
	}
	if format == "svg" && len(graphs) > 1 {
		return withCode(exitUsage, fmt.Errorf("a picture shows one platform, and there are %d: give one --platform", len(graphs)))
	}
	for _, g := range graphs {
		text, err := g.Text(), error(nil)
		switch format {
		case "dot":
			text = g.DOT()
		case "mermaid":
			text = g.Mermaid()
		case "svg":
			text, err = g.SVG(ctx)
		}
		if err != nil {
			return err
		}
		if _, err := io.WriteString(out, text); err != nil {
			return err
		}
	}
	return nil
}

// printEndpoints prints each address once: in lines, or as JSON with its uses.
func printEndpoints(out io.Writer, asJSON bool, uses []endpoints.Use) error {
	if asJSON {
		return printJSON(out, map[string]any{"addresses": uses})
	}
	for _, use := range uses {
		if _, err := fmt.Fprintln(out, use.Address); err != nil {
			return err
		}
	}
	return nil
}
