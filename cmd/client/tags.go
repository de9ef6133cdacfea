package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/rtbuild/rtbuild/internal/options"
	"github.com/rtbuild/rtbuild/internal/options/flags"
)

// tagsOptions are the options of tags.
type tagsOptions struct {
	runtime options.Runtime
	tags    options.Tags
}

func newTags() *cobra.Command {
	var o tagsOptions
	cmd := &cobra.Command{
		Use:   "tags [CONTEXT]",
		Short: "Print the tags of the runtime, without network access",
		Long: "tags prints the names of a runtime's images. It reads the project, but never the network.\n\n" +
			bakeHelp,
		Example: "  rtbuild-client tags --format json\n" +
			"  rtbuild-client tags --format bake > tags.json && docker buildx bake -f docker-bake.hcl -f tags.json source\n" +
			"  rtbuild-client tags --format bake --base-image debian:bookworm --base-image ubuntu:24.04 agents/mcp agents/web > tags.json",
		RunE: func(cmd *cobra.Command, args []string) error {
			return runTags(cmd.Context(), cmd.OutOrStdout(), &o, args)
		},
	}
	flags.Add(cmd.Flags(), cmd.Name(), &o.runtime, &o.tags)
	return cmd
}

func runTags(ctx context.Context, out io.Writer, o *tagsOptions, args []string) error {
	if o.tags.Format == "bake" {
		return o.printBake(ctx, out, args)
	}
	switch {
	case len(args) > 1:
		return withCode(exitUsage, fmt.Errorf("%d contexts: give one, or use --format bake", len(args)))
	case len(o.runtime.BaseImages) > 1:
		return withCode(exitUsage, fmt.Errorf("%d base images: give one, or use --format bake", len(o.runtime.BaseImages)))
	case o.tags.BakeTarget != "":
		return withCode(exitUsage, errors.New("--bake-target needs --format bake"))
	}
	p, err := readTarget(&o.runtime, args)
	if err != nil {
		return err
	}
	p.Inputs.Source.NamesOnly = true
	if err := p.ComputeTags(ctx, p.tagsRepository()); err != nil {
		return withCode(exitUsage, err)
	}
	if o.tags.JSON() {
		return printJSON(out, p.Tags)
	}
	return p.printTags(out)
}

func (t *target) printTags(out io.Writer) error {
	names := []struct{ role, tag, ref string }{
		{"lock", t.Tags.Lock, t.Tags.Images.Lock},
		{"versioned", t.Tags.Versioned, t.Tags.Images.Versioned},
		{"build", t.Tags.Build, t.Tags.Images.Build},
		{"source", t.Tags.Source, t.Tags.Images.Source},
	}
	for _, n := range names {
		if n.tag == "" {
			continue
		}
		if _, err := fmt.Fprintf(out, "%-10s %s\n", n.role, cmp.Or(n.ref, n.tag)); err != nil {
			return err
		}
	}
	return nil
}

func printJSON(out io.Writer, v any) error {
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
