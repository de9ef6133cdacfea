package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
)

// repositoryEnv is the original's variable for the repository.
const repositoryEnv = "OH_RUNTIME_RUNTIME_IMAGE_REPO"

func newTags() *cobra.Command {
	var o projectOptions
	cmd := &cobra.Command{
		Use:   "tags [CONTEXT]",
		Short: "Print the tags of the runtime; reads the tree, never the network",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runTags(cmd.Context(), cmd.OutOrStdout(), &o, args)
		},
	}
	o.register(cmd)
	return cmd
}

func runTags(ctx context.Context, out io.Writer, o *projectOptions, args []string) error {
	p, err := o.read(args)
	if err != nil {
		return err
	}
	p.inputs.Source.NamesOnly = true
	if err := p.compute(ctx, p.namedRepository(o)); err != nil {
		return err
	}
	if o.format == "json" {
		return printJSON(out, p.tags)
	}
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

func printJSON(out io.Writer, v any) error {
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
