package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/rtbuild/rtbuild/tags"
)

const bakeHelp = "--format bake prints a file for docker buildx bake that gives tags to two targets of yours: source gets the source tag,\n" +
	"deps the lock and the versioned tag. Several contexts and several --base-image give two targets for each pair, and their\n" +
	"names tell them apart: mcp-source with several contexts, debian-bookworm-source with several bases, else\n" +
	"mcp-debian-bookworm-source. --bake-target says the names in your words, such as {project}_{base}_{role}: {project} is the\n" +
	"name of the context's directory, {base} the base image, {role} source or deps; in both, what bake does not take (all but\n" +
	"letters, digits, _ and -) becomes \"-\". A name without {role} is that of the source's target, and deps gets none."

// Roles are what a target builds; docker buildx bake knows them as target = "source" and target = "deps".
const (
	roleSource = "source"
	roleDeps   = "deps"
)

// bakeFile is an override file of docker buildx bake.
type bakeFile struct {
	Target map[string]bakeTarget `json:"target"`
}

type bakeTarget struct {
	Tags []string `json:"tags"`
}

// printBake prints the tags of every context on every base.
func (o *tagsOptions) printBake(ctx context.Context, out io.Writer, args []string) error {
	contexts, bases := args, []string(o.bases)
	if len(contexts) == 0 {
		contexts = []string{"."}
	}
	if len(bases) == 0 {
		bases = []string{""} // the project's own
	}
	names := bakeNames(o.target, len(contexts) > 1, len(bases) > 1)
	file := bakeFile{Target: map[string]bakeTarget{}}
	for _, dir := range contexts {
		if err := o.bakeContext(ctx, dir, bases, func(p *target) error { return file.add(names, p) }); err != nil {
			return err
		}
	}
	return printJSON(out, file)
}

// bakeContext gives each a project for every base. The tree is hashed once.
func (o *tagsOptions) bakeContext(ctx context.Context, dir string, bases []string, each func(*target) error) error {
	var tree *tags.Tree
	for _, base := range bases {
		options := o.project
		options.base, options.format = base, "json"
		p, err := options.read([]string{dir})
		if err != nil {
			return err
		}
		p.Inputs.Source.NamesOnly = true
		if tree == nil {
			if tree, err = p.Scan(ctx); err != nil {
				return withCode(exitUsage, err)
			}
		}
		if err := p.NameTags(ctx, tree, tagsRepository(p.Project, &options)); err != nil {
			return withCode(exitUsage, err)
		}
		if err := each(p); err != nil {
			return withCode(exitUsage, fmt.Errorf("context %s: %w", dir, err))
		}
	}
	return nil
}

// bakeNames is the pattern of the targets' names: the given one, else the role behind whatever there are several of.
func bakeNames(given string, contexts, bases bool) string {
	if given != "" {
		return given
	}
	var parts []string
	if contexts {
		parts = append(parts, "{project}")
	}
	if bases {
		parts = append(parts, "{base}")
	}
	return strings.Join(append(parts, "{role}"), "-")
}

// add gives a project's tags to its targets.
func (f *bakeFile) add(names string, p *target) error {
	if p.Tags.Repository == "" {
		return errors.New("targets need whole references, and no repository is named: " +
			"give --repository, or write a line such as repository: registry.example.com/team/runtime into runtime.yaml")
	}
	targets := []struct {
		role string
		tags []string
	}{
		{roleSource, []string{p.Tags.Images.Source}},
		{roleDeps, []string{p.Tags.Images.Lock, p.Tags.Images.Versioned}},
	}
	for _, t := range targets {
		if t.role != roleSource && !strings.Contains(names, "{role}") {
			continue
		}
		name, err := bakeName(names, p, t.role)
		if err != nil {
			return err
		}
		if _, twice := f.Target[name]; twice {
			return fmt.Errorf("two runtimes have the target %q: put what tells them apart into --bake-target, {project} or {base}", name)
		}
		f.Target[name] = bakeTarget{Tags: t.tags}
	}
	return nil
}

// bakeForm is what bake takes for the name of a target.
var bakeForm = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

var notInBakeName = regexp.MustCompile(`[^A-Za-z0-9_-]`)

// bakeName is a target's name.
func bakeName(names string, p *target, role string) (string, error) {
	plain := func(text string) string { return notInBakeName.ReplaceAllLiteralString(text, "-") }
	name := strings.NewReplacer(
		"{project}", plain(filepath.Base(p.Root)), "{base}", plain(p.Runtime.Base), "{role}", role,
	).Replace(names)
	if !bakeForm.MatchString(name) {
		return "", fmt.Errorf("invalid --bake-target %q: it gives the name %q: write it of letters, digits, _, -, {project}, {base} and {role}", names, name)
	}
	return name, nil
}
