package main

import (
	"fmt"
	"strings"

	"github.com/rtbuild/rtbuild/internal/planning"
	"github.com/rtbuild/rtbuild/internal/profile"
)

// writeProjects writes the Python projects that are installed with the dependencies.
func writeProjects(text *strings.Builder, runtime *profile.Runtime) {
	if projects := planning.Projects(runtime); len(projects) > 0 {
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
