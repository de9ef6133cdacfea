package main

import (
	"context"
	"fmt"
	"io"

	"github.com/rtbuild/rtbuild/internal/bake"
	"github.com/rtbuild/rtbuild/internal/project"
	"github.com/rtbuild/rtbuild/tags"
)

const bakeHelp = "--format bake prints a file for docker buildx bake. It gives tags to two targets of your own bake file: source gets the source\n" +
	"tag, deps the lock and the versioned tag. With several contexts or several --base-image, there are two targets for each pair.\n" +
	"Their names are mcp-source with several contexts, debian-bookworm-source with several bases, and mcp-debian-bookworm-source\n" +
	"with both. --bake-target sets a pattern for the names, such as {project}_{base}_{role}. {project} is the name of the context's\n" +
	"directory, {base} the base image, {role} source or deps. Characters that bake does not accept become \"-\". Without {role}, the\n" +
	"pattern names only the source target, and deps gets none."

// printBake prints the tags of every context on every base.
func (o *tagsOptions) printBake(ctx context.Context, out io.Writer, args []string) error {
	contexts, bases := args, o.runtime.BaseImages
	if len(contexts) == 0 {
		contexts = []string{"."}
	}
	if len(bases) == 0 {
		bases = []string{""} // the project's own
	}
	names := bake.Names(o.tags.BakeTarget)
	if names == "" {
		names = bake.DefaultNames(len(contexts) > 1, len(bases) > 1)
	}
	var file bake.File
	for _, dir := range contexts {
		if err := o.bakeContext(ctx, dir, bases, func(p *project.Project) error { return file.Add(names, p) }); err != nil {
			return err
		}
	}
	return printJSON(out, file)
}

// bakeContext calls each with the project for every base. It hashes the source once.
func (o *tagsOptions) bakeContext(ctx context.Context, dir string, bases []string, each func(*project.Project) error) error {
	var source *tags.Tree
	for _, base := range bases {
		runtime := o.runtime
		runtime.BaseImages = []string{base}
		p, err := readTarget(&runtime, []string{dir})
		if err != nil {
			return err
		}
		p.Inputs.Source.NamesOnly = true
		if source == nil {
			if source, err = p.Scan(ctx); err != nil {
				return withCode(exitUsage, err)
			}
		}
		if err := p.NameTags(ctx, source, p.tagsRepository()); err != nil {
			return withCode(exitUsage, err)
		}
		if err := each(p.Project); err != nil {
			return withCode(exitUsage, fmt.Errorf("context %s: %w", dir, err))
		}
	}
	return nil
}
