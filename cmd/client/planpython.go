package main

import (
	"fmt"
	"strings"

	"github.com/containerd/platforms"

	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/internal/planning"
	"github.com/rtbuild/rtbuild/internal/profile"
)

// planDocument returns the machine-readable form of a plan, with what is known of its Python projects and packages.
func planDocument(p *target, found *planning.Result) (plan.Document, error) {
	all := map[string]plan.JSON{}
	for name, made := range found.Document(p.Tags).Platforms {
		platform, err := platforms.Parse(name)
		if err != nil {
			return plan.Document{}, err
		}
		without, err := p.Runtime.WithoutWheel(p.Files, platform.Architecture)
		if err != nil {
			return plan.Document{}, err
		}
		made.Compiled, made.Impossible = without.Compiled, without.Impossible
		all[name] = made
	}
	document := plan.NewDocument(p.Tags, all)
	document.Projects = projectsOf(p.Runtime)
	return document, nil
}

// projectsOf returns the Python projects that are installed with the dependencies, with their versions.
func projectsOf(runtime *profile.Runtime) []string {
	var projects []string
	for _, d := range runtime.Project {
		projects = append(projects, d.Name+" "+d.Version)
	}
	return projects
}

// writeProjects writes the Python projects that are installed with the dependencies.
func writeProjects(text *strings.Builder, runtime *profile.Runtime) {
	if projects := projectsOf(runtime); len(projects) > 0 {
		fmt.Fprintf(text, "project    %s\n", strings.Join(projects, ", "))
	}
}

// writeWithoutWheel writes which Python packages are built from their sources, and which cannot be installed.
func writeWithoutWheel(text *strings.Builder, p *target, a planning.PlatformPlan) error {
	without, err := p.Runtime.WithoutWheel(p.Files, a.Platform.Architecture)
	if err != nil {
		return err
	}
	if len(without.Compiled) > 0 {
		hint := ""
		if len(p.Runtime.BuildPackages) == 0 {
			hint = "; compilers that they need belong to build: {packages: [...]}"
		}
		fmt.Fprintf(text, "compiled   %s (no wheel for %s%s)\n", strings.Join(without.Compiled, ", "), a.Name(), hint)
	}
	if len(without.Impossible) > 0 {
		fmt.Fprintf(text, "impossible %s (neither a wheel for %s nor sources)\n", strings.Join(without.Impossible, ", "), a.Name())
	}
	return nil
}
