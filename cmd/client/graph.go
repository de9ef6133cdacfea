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
)

// graphOptions are the options of graph.
type graphOptions struct {
	runtime  options.Runtime
	builder  options.Builder
	build    buildflags.Options
	printing options.Printing
	graph    options.Graph
}

func newGraph() *cobra.Command {
	var o graphOptions
	cmd := &cobra.Command{
		Use:   "graph [CONTEXT]",
		Short: "Show what a build from scratch needs: --addresses lists all addresses that it contacts",
		Long: "graph inspects the base image on the builder, and builds nothing.\n\n" +
			"--addresses lists the addresses that a build from scratch contacts, with mirrors applied. A closed network must allow them.\n" +
			"An address is that of a file, or the prefix of the addresses that a package manager uses.\n\n" +
			"graph takes the flags about how a build runs, so that a script can give graph and solve the same. Most have no effect.",
		Example: "  rtbuild-client graph --addresses\n" +
			"  rtbuild-client graph --addresses --format json | jq -r '.addresses[].address'",
		Args: oneContext,
		RunE: func(cmd *cobra.Command, args []string) error {
			if !o.graph.Addresses {
				return withCode(exitUsage, fmt.Errorf("graph shows addresses only: give --addresses"))
			}
			return runAddresses(cmd.Context(), cmd.OutOrStdout(), &o, args)
		},
	}
	flags.Add(cmd.Flags(), cmd.Name(), append(o.build.Sets(), &o.runtime, &o.builder, &o.printing, &o.graph)...)
	return cmd
}

func runAddresses(ctx context.Context, out io.Writer, o *graphOptions, args []string) error {
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
	uses, err := endpoints.List(ctx, newBuild(p, at, settings, o.builder.Debug), p.platforms)
	if err != nil {
		return err
	}
	return printEndpoints(out, o.printing.JSON(), uses)
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
