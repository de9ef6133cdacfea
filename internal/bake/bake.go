// Package bake makes override files for docker buildx bake, which set the tags of the targets in a bake file. Bake itself cannot
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

// The roles of a target: the frontend's stages that target = "source" and target = "deps" name.
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

// Names is a pattern for the names of targets: a text with {project}, {base} and {role}. {project} is the name of the context's
// directory, {base} the base image, and {role} is "source" or "deps".
type Names string

// DefaultNames returns a pattern with {role}. It has {project} if there are several contexts, and {base} if there are several
// bases.
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

// Add adds the targets of a project: one for source with the source tag, and one for deps with the lock tag and the versioned
// tag. Without {role} in the pattern, there is no target for deps. Add returns an error for a name that exists already, and for
// one that bake does not accept.
func (f *File) Add(names Names, p *project.Project) error {
	images := p.Tags.Images
	if images.Source == "" {
		return errors.New("bake targets need a repository, and none is set: " +
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
		return fmt.Errorf("two runtimes have the target %q: tell them apart with {project} or {base} in --bake-target", name)
	}
	if f.Target == nil {
		f.Target = map[string]Target{}
	}
	f.Target[name] = Target{Tags: refs}
	return nil
}

// grammar matches the names of targets that bake accepts.
var grammar = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

var notInName = regexp.MustCompile(`[^A-Za-z0-9_-]`)

// of returns the name of a project's target.
func (n Names) of(p *project.Project, role string) (string, error) {
	plain := func(text string) string { return notInName.ReplaceAllLiteralString(text, "-") }
	name := strings.NewReplacer(
		"{project}", plain(filepath.Base(p.Root)), "{base}", plain(p.Runtime.Base), "{role}", role,
	).Replace(string(n))
	if !grammar.MatchString(name) {
		return "", fmt.Errorf("invalid --bake-target %q: it gives the name %q: use only letters, digits, _, -, {project}, {base} and {role}", n, name)
	}
	return name, nil
}
