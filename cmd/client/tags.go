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
	project := o.project
	if len(o.bases) > 0 {
		project.base = o.bases[0]
	}
	p, err := project.read(args)
	if err != nil {
		return err
	}
	p.inputs.Source.NamesOnly = true
	if err := p.compute(ctx, p.tagsRepository(&project)); err != nil {
		return err
	}
	if project.format == "json" {
		return printJSON(out, p.tags)
	}
	return p.printTags(out)
}

func (p *project) printTags(out io.Writer) error {
	names := []struct{ role, tag, ref string }{
		{"lock", p.tags.Lock, p.tags.Images.Lock},
		{"versioned", p.tags.Versioned, p.tags.Images.Versioned},
		{"source", p.tags.Source, p.tags.Images.Source},
	}
	for _, n := range names {
		if _, err := fmt.Fprintf(out, "%-10s %s\n", n.role, cmp.Or(n.ref, n.tag)); err != nil {
			return err
		}
	}
	return nil
}

// namedRepository is where the images live if somebody says so: the flag, the original's variable, the file.
func (p *project) namedRepository(o *projectOptions) string {
	return cmp.Or(o.repository, os.Getenv(repositoryEnv), p.runtime.Repository)
}

// tagsRepository is where the images live as far as names go: in profile openhands the original's, if nobody names another.
func (p *project) tagsRepository(o *projectOptions) string {
	named := p.namedRepository(o)
	if named == "" && p.inputs.Source.Original {
		return originalRepository
	}
	return named
}

func printJSON(out io.Writer, v any) error {
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
