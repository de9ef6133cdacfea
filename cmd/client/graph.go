package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/rtbuild/rtbuild/internal/endpoints"
)

// graphOptions are the flags of graph.
type graphOptions struct {
	project   projectOptions
	place     placeOptions
	build     buildOptions
	addresses bool
}

func newGraph() *cobra.Command {
	var o graphOptions
	cmd := &cobra.Command{
		Use:   "graph [CONTEXT]",
		Short: "Show what a build from scratch is made of: --addresses lists all that it would contact",
		Long: "graph looks at the base image in the builder, and builds nothing.\n\n" +
			"--addresses lists what a build from scratch would contact, mirrors applied: what a closed network has to let through.\n" +
			"An address is that of a file, or the one below which a package manager fetches what it needs.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !o.addresses {
				return withCode(exitUsage, fmt.Errorf("graph shows addresses only: give --addresses"))
			}
			return runAddresses(cmd.Context(), cmd.OutOrStdout(), &o, args)
		},
	}
	o.project.register(cmd)
	o.place.register(cmd)
	o.build.register(cmd)
	cmd.Flags().BoolVar(&o.addresses, "addresses", false, "list the addresses that a build would contact")
	return cmd
}

func runAddresses(ctx context.Context, out io.Writer, o *graphOptions, args []string) error {
	p, err := o.project.read(args)
	if err != nil {
		return err
	}
	flags, err := o.build.read(o.place.caFile)
	if err != nil {
		return withCode(exitUsage, err)
	}
	at, err := o.place.open(ctx, p, &o.project)
	if err != nil {
		return err
	}
	defer at.Close()
	uses, err := endpoints.List(ctx, o.build.forProject(p.Project, at, flags, &o.place, nil), p.platforms)
	if err != nil {
		return err
	}
	return printEndpoints(out, o.project.format, uses)
}

// printEndpoints prints each address once: alone, for scripts, or as JSON with what it is for.
func printEndpoints(out io.Writer, format string, uses []endpoints.Use) error {
	if format == "json" {
		return printJSON(out, map[string]any{"addresses": uses})
	}
	for _, use := range uses {
		if _, err := fmt.Fprintln(out, use.Address); err != nil {
			return err
		}
	}
	return nil
}
