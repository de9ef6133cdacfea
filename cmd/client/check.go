package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/frontend/dockerfile/linter"

	"github.com/rtbuild/rtbuild/internal/lint"
	"github.com/rtbuild/rtbuild/internal/options"
	"github.com/rtbuild/rtbuild/internal/planning"
)

// runCheck prints the findings of lint. It fails if there are any, as docker buildx build --check does. It reads the tree, and makes
// no request.
func runCheck(ctx context.Context, out io.Writer, o *planOptions, args []string) error {
	p, err := readTarget(&o.runtime, args)
	if err != nil {
		return err
	}
	if err := p.ComputeTags(ctx, p.repository); err != nil {
		return withCode(exitUsage, err)
	}
	p.buildArgs = options.Pairs(o.plan.Args, os.LookupEnv)
	settings, err := p.lintSettings()
	if err != nil {
		return err
	}
	findings := lint.Select(lint.Check(p.lintInput()), settings)
	if err := printFindings(out, o.printing.JSON(), findings); err != nil {
		return err
	}
	if len(findings) > 0 {
		return withCode(exitBuild, fmt.Errorf("the check found problems: see the warnings (%d)", len(findings)))
	}
	return nil
}

// lintInput returns what lint needs to know of the project.
func (t *target) lintInput() lint.Input {
	in := lint.Input{Runtime: t.Runtime, Project: t.Files, Copied: []string{}}
	for _, e := range t.Tree.Entries {
		if !e.Mode.IsDir() {
			in.Copied = append(in.Copied, e.Path)
		}
	}
	for _, platform := range t.platforms {
		in.Platforms = append(in.Platforms, platforms.Format(platform))
	}
	return in
}

// strictRules are the rules whose findings --strict refuses: a tool without a verified checksum, an image that cannot start.
var strictRules = []string{lint.UnverifiedTool.Name, lint.MissingStart.Name, lint.NoCommand.Name}

// lintSettings returns which rules the user skips, in the runtime file or by a build argument.
func (t *target) lintSettings() (*linter.Config, error) {
	_, file := t.Runtime.File()
	settings, err := lint.Settings(file, t.buildArgs)
	return settings, withCode(exitUsage, err)
}

// checkStrict returns an error for what --strict refuses.
func checkStrict(p *target) error {
	settings, err := p.lintSettings()
	if err != nil {
		return err
	}
	for _, finding := range lint.Select(lint.Check(p.lintInput()), settings) {
		if slices.Contains(strictRules, finding.Rule) {
			return withCode(exitUsage, fmt.Errorf("--strict: %s", finding.Detail))
		}
	}
	return nil
}

// checkLocks returns an error if a build would install from a lock file that does not agree with its manifest.
func checkLocks(p *target, made *planning.Result) error {
	if !slices.ContainsFunc(made.Platforms, planning.PlatformPlan.BuildsDeps) {
		return nil
	}
	settings, err := p.lintSettings()
	if err != nil {
		return err
	}
	return withCode(exitBuild, lint.CheckLocks(p.lintInput(), settings))
}

// printFindings prints findings as buildx does, or as JSON.
func printFindings(out io.Writer, asJSON bool, findings []lint.Finding) error {
	if asJSON {
		return printJSON(out, map[string]any{"findings": append([]lint.Finding{}, findings...)})
	}
	said := "no warnings found."
	switch n := len(findings); n {
	case 0:
	case 1:
		said = "1 warning has been found!"
	default:
		said = fmt.Sprintf("%d warnings have been found!", n)
	}
	if _, err := fmt.Fprintf(out, "Check complete, %s\n", said); err != nil {
		return err
	}
	return lint.Print(out, findings)
}
