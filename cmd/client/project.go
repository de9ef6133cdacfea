package main

import (
	"fmt"
	"os"

	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/spf13/cobra"

	"github.com/rtbuild/rtbuild/internal/profile"
	"github.com/rtbuild/rtbuild/internal/project"
	"github.com/rtbuild/rtbuild/tags"
)

// projectOptions are the flags that say what a runtime is made of.
type projectOptions struct {
	file, profile, base, repository string
	version, extra                  string
	platforms                       []string
	noBrowser                       bool
	format                          string
}

func (o *projectOptions) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVarP(&o.file, "file", "f", "", "runtime file (default: runtime.yaml in the context, if there is one)")
	flags.StringVar(&o.profile, "profile", "", "profile: node, python, openhands (default: detected from the lock files)")
	flags.StringVar(&o.base, "base-image", "", "base image")
	flags.StringVar(&o.repository, "repository", "", "repository of the images, HOST/PATH")
	flags.StringVar(&o.version, "runtime-version", "", "version in the tags (default: from package.json or pyproject.toml)")
	flags.StringVar(&o.extra, "extra-deps", "", "shell command that is run last, on top of the source")
	flags.StringArrayVar(&o.platforms, "platform", nil, "platforms of the image, os/arch[,os/arch] (repeatable; default: this machine's)")
	flags.BoolVar(&o.noBrowser, "no-browser", false, "leave the browser out (profile openhands)")
	flags.StringVar(&o.format, "format", "text", "output format: text or json")
}

// target is a project, and the platforms that its image is wanted for.
type target struct {
	*project.Project
	platforms []ocispecs.Platform // at least one
	named     bool                // the user named the platforms
}

// read reads the context directory that the arguments name. It computes no tags.
func (o *projectOptions) read(args []string) (*target, error) {
	if o.format != "text" && o.format != "json" {
		return nil, withCode(exitUsage, fmt.Errorf("invalid --format %q: it is text or json", o.format))
	}
	wanted, err := parsePlatforms(o.platforms)
	if err != nil {
		return nil, withCode(exitUsage, err)
	}
	dir := "."
	if len(args) > 0 {
		dir = args[0]
	}
	p, err := project.Read(dir, o.options())
	if err != nil {
		return nil, withCode(exitUsage, err)
	}
	return &target{p, wanted, len(o.platforms) > 0}, nil
}

func (o *projectOptions) options() project.Options {
	overrides := profile.Options{Profile: o.profile, Base: o.base, Version: o.version, NoBrowser: o.noBrowser, Repository: o.repository}
	if o.extra != "" {
		overrides.Extra = &o.extra
	}
	return project.Options{File: o.file, Overrides: overrides}
}

// replanning runs a command again when a file of the project changed meanwhile.
func replanning(try func() error) error {
	return project.RetryChanged(try, func(changed *tags.ChangedError) {
		fmt.Fprintf(os.Stderr, "NOTE: %v; planning again\n", changed)
	})
}
