package main

import (
	"cmp"
	"os"

	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/options"
	"github.com/rtbuild/rtbuild/internal/profile"
	"github.com/rtbuild/rtbuild/internal/project"
	"github.com/rtbuild/rtbuild/tags"
)

// The original's variable for the repository, and the repository without it.
const (
	repositoryEnv      = "OH_RUNTIME_RUNTIME_IMAGE_REPO"
	originalRepository = "ghcr.io/all-hands-ai/runtime"
)

// target is a project, and what the image is wanted for.
type target struct {
	*project.Project
	platforms  []ocispecs.Platform // at least one
	named      bool                // the user named the platforms
	repository string              // that the user names: by the flag, the original's variable or the file; empty if nobody does
}

// readTarget reads the context directory that the arguments name. It computes no tags.
func readTarget(o *options.Runtime, args []string) (*target, error) {
	dir := "."
	if len(args) > 0 {
		dir = args[0]
	}
	p, err := project.Read(dir, project.Options{File: o.File, Overrides: profile.Overrides(o, options.Flags)})
	if err != nil {
		return nil, withCode(exitUsage, err)
	}
	t := &target{p, o.Platforms, len(o.Platforms) > 0, cmp.Or(o.Repository, os.Getenv(repositoryEnv), p.Runtime.Repository)}
	if !t.named {
		t.platforms = []ocispecs.Platform{options.Local()}
	}
	return t, nil
}

// tagsRepository is where the images live as far as names go: in profile openhands the original's, if nobody names another.
func (t *target) tagsRepository() string {
	if t.repository == "" && t.Inputs.Source.Original {
		return originalRepository
	}
	return t.repository
}

// replanning runs a command again when a file of the project changed meanwhile.
func replanning(try func() error) error {
	return project.RetryChanged(try, func(changed *tags.ChangedError) {
		note(changed.Error() + "; planning again")
	})
}
