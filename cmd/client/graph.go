package main

import (
	"context"
	"fmt"
	"io"
	"slices"

	gateway "github.com/moby/buildkit/frontend/gateway/client"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/spf13/cobra"

	"github.com/rtbuild/rtbuild/internal/build"
	"github.com/rtbuild/rtbuild/internal/destination"
	"github.com/rtbuild/rtbuild/internal/endpoints"
	"github.com/rtbuild/rtbuild/internal/publish"
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
	found, err := registryContacts(p, at)
	if err != nil {
		return err
	}
	more, err := scratchContacts(ctx, o.build.forProject(p.Project, at, flags, &o.place, nil), p.platforms)
	if err != nil {
		return err
	}
	return printContacts(out, o.project.format, endpoints.Group(slices.Concat(found, more, endpoints.InLockFiles(p.Project))))
}

// registryContacts are the registries of the base and of the images.
func registryContacts(p *target, at *destination.Destination) ([]build.Contact, error) {
	var all []build.Contact
	for _, image := range []struct{ ref, what string }{{p.Runtime.Base, "the base image"}, {at.Repository, "the images"}} {
		addresses, err := at.Registry.Addresses(image.ref)
		if err != nil {
			return nil, err
		}
		for _, address := range addresses {
			all = append(all, build.Contact{Address: address, For: image.what})
		}
	}
	return all, nil
}

// scratchContacts asks the builder what a build from scratch of all platforms would fetch from.
func scratchContacts(ctx context.Context, b publish.Build, platforms []ocispecs.Platform) ([]build.Contact, error) {
	var all []build.Contact
	err := publish.Inspect(ctx, b, platforms, func(ctx context.Context, c gateway.Client, req build.Request) error {
		contacts, err := build.Contacts(ctx, c, req)
		all = append(all, contacts...)
		return err
	})
	return all, err
}

// printContacts prints each address once: alone, for scripts, or as JSON with what it is for.
func printContacts(out io.Writer, format string, uses []endpoints.Use) error {
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
