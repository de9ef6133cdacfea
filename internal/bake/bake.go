// Package bake writes override files for docker buildx bake that give a runtime's tags to the targets of a bake file. Bake itself cannot
// compute tags from the content of a project.
package bake

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/rtbuild/rtbuild/internal/project"
)

// Roles are what a target builds: the stages of the frontend that target = "source" and target = "deps" name.
const (
	roleSource = "source"
	roleDeps   = "deps"
)

// File is an override file. Its JSON is what bake reads.
type File struct {
	Target map[string]Target `json:"target"` // by name
}

// Target overrides the tags of a target.
type Target struct {
	Tags []string `json:"tags"`
}

// Names is a pattern for the names of targets: text with {project}, {base} and {role}. {project} is the name of the context's directory,
// {base} the base image and {role} source or deps.
type Names string

// DefaultNames returns the pattern that tells apart the targets of several contexts, or of several bases, by their roles.
func DefaultNames(contexts, bases bool) Names {
	var parts []string
	if contexts {
		parts = append(parts, "{project}")
	}
	if bases {
		parts = append(parts, "{base}")
	}
	return Names(strings.Join(append(parts, "{role}"), "-"))
}

// Add gives a project's tags to its targets: the source tag to that of source, the lock and the versioned tag to that of deps. If the
// pattern has no {role} there is no target for deps. Two targets of one name, and a name that bake does not take, are errors.
func (f *File) Add(names Names, p *project.Project) error {
	images := p.Tags.Images
	if images.Source == "" {
		return errors.New("targets need whole references, and no repository is named: " +
			"give --repository, or write a line such as repository: registry.example.com/team/runtime into runtime.yaml")
	}
	if err := f.add(names, p, roleSource, images.Source); err != nil || !strings.Contains(string(names), "{role}") {
		return err
	}
	return f.add(names, p, roleDeps, images.Lock, images.Versioned)
}

func (f *File) add(names Names, p *project.Project, role string, refs ...string) error {
	name, err := names.of(p, role)
	if err != nil {
		return err
	}
	if _, twice := f.Target[name]; twice {
		return fmt.Errorf("two runtimes have the target %q: put what tells them apart into --bake-target, {project} or {base}", name)
	}
	if f.Target == nil {
		f.Target = map[string]Target{}
	}
	f.Target[name] = Target{Tags: refs}
	return nil
}

// grammar is what bake takes for the name of a target.
var grammar = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

var notInName = regexp.MustCompile(`[^A-Za-z0-9_-]`)

// of returns the name of a project's target.
func (n Names) of(p *project.Project, role string) (string, error) {
	plain := func(text string) string { return notInName.ReplaceAllLiteralString(text, "-") }
	name := strings.NewReplacer(
		"{project}", plain(filepath.Base(p.Root)), "{base}", plain(p.Runtime.Base), "{role}", role,
	).Replace(string(n))
	if !grammar.MatchString(name) {
		return "", fmt.Errorf("invalid --bake-target %q: it gives the name %q: write it of letters, digits, _, -, {project}, {base} and {role}", n, name)
	}
	return name, nil
}
