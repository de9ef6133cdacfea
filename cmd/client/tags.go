package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rtbuild/rtbuild/internal/project"
)

// The original's variable for the repository, and the repository without it.
const (
	repositoryEnv      = "OH_RUNTIME_RUNTIME_IMAGE_REPO"
	originalRepository = "ghcr.io/all-hands-ai/runtime"
)

// tagsOptions are the flags of tags.
type tagsOptions struct {
	project projectOptions
	bases   repeated
	target  string // of --format bake
}

func newTags() *cobra.Command {
	var o tagsOptions
	cmd := &cobra.Command{
		Use:   "tags [CONTEXT]",
		Short: "Print the tags of the runtime; reads the tree, never the network",
		Long: "tags prints the names of a runtime's images. It reads the tree, never the network.\n\n" +
			bakeHelp,
		Example: "  rtbuild-client tags --format json\n" +
			"  rtbuild-client tags --format bake > tags.json && docker buildx bake -f docker-bake.hcl -f tags.json source\n" +
			"  rtbuild-client tags --format bake --base-image debian:bookworm --base-image ubuntu:24.04 agents/mcp agents/web > tags.json",
		RunE: func(cmd *cobra.Command, args []string) error {
			return runTags(cmd.Context(), cmd.OutOrStdout(), &o, args)
		},
	}
	o.register(cmd)
	return cmd
}

func (o *tagsOptions) register(cmd *cobra.Command) {
	o.project.register(cmd)
	flags := cmd.Flags()
	flags.StringVar(&o.target, "bake-target", "", "names of the targets of --format bake, of {project}, {base}, {role} and other text")
	flags.Lookup("format").Usage = "output format: text, json or bake"
	base := flags.Lookup("base-image")
	base.Usage, base.Value = "base image (repeatable with --format bake)", &o.bases
}

// repeated is a flag that may be given several times.
type repeated []string

// String is what the help shows as the default.
func (r *repeated) String() string { return strings.Join(*r, ",") }

// Set adds a value.
func (r *repeated) Set(value string) error {
	*r = append(*r, value)
	return nil
}

// Type is what the help shows as the kind of value.
func (*repeated) Type() string { return "string" }

func runTags(ctx context.Context, out io.Writer, o *tagsOptions, args []string) error {
	if o.project.format == "bake" {
		return o.printBake(ctx, out, args)
	}
	switch {
	case len(args) > 1:
		return withCode(exitUsage, fmt.Errorf("%d contexts are given: give one, or --format bake", len(args)))
	case len(o.bases) > 1:
		return withCode(exitUsage, fmt.Errorf("%d base images are given: give one, or --format bake", len(o.bases)))
	case o.target != "":
		return withCode(exitUsage, errors.New("--bake-target is of no use without --format bake"))
	}
	options := o.project
	if len(o.bases) > 0 {
		options.base = o.bases[0]
	}
	p, err := options.read(args)
	if err != nil {
		return err
	}
	p.Inputs.Source.NamesOnly = true
	if err := p.ComputeTags(ctx, tagsRepository(p.Project, &options)); err != nil {
		return withCode(exitUsage, err)
	}
	if options.format == "json" {
		return printJSON(out, p.Tags)
	}
	return p.printTags(out)
}

func (p *target) printTags(out io.Writer) error {
	names := []struct{ role, tag, ref string }{
		{"lock", p.Tags.Lock, p.Tags.Images.Lock},
		{"versioned", p.Tags.Versioned, p.Tags.Images.Versioned},
		{"source", p.Tags.Source, p.Tags.Images.Source},
	}
	for _, n := range names {
		if _, err := fmt.Fprintf(out, "%-10s %s\n", n.role, cmp.Or(n.ref, n.tag)); err != nil {
			return err
		}
	}
	return nil
}

// namedRepository is where the images live if somebody says so: the flag, the original's variable, the file.
func namedRepository(p *project.Project, o *projectOptions) string {
	return cmp.Or(o.repository, os.Getenv(repositoryEnv), p.Runtime.Repository)
}

// tagsRepository is where the images live as far as names go: in profile openhands the original's, if nobody names another.
func tagsRepository(p *project.Project, o *projectOptions) string {
	named := namedRepository(p, o)
	if named == "" && p.Inputs.Source.Original {
		return originalRepository
	}
	return named
}

func printJSON(out io.Writer, v any) error {
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
