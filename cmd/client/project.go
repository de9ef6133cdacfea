package main

import (
	"cmp"
	"errors"
	"os"

	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/options"
	"github.com/rtbuild/rtbuild/internal/profile"
	"github.com/rtbuild/rtbuild/internal/project"
	"github.com/rtbuild/rtbuild/internal/publish"
	"github.com/rtbuild/rtbuild/tags"
)

// OpenHands' variable for the repository, and its default.
const (
	repositoryEnv      = "OH_RUNTIME_RUNTIME_IMAGE_REPO"
	originalRepository = "ghcr.io/all-hands-ai/runtime"
)

// target is a project, with the platforms and the repository of its images.
type target struct {
	*project.Project
	platforms  []ocispecs.Platform // at least one
	named      bool                // the user named the platforms
	repository string              // from the flag, OpenHands' variable or the runtime file; may be empty
	buildArgs  map[string]string   // of the command line
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
	for _, warning := range p.Warnings {
		warn(warning)
	}
	t := &target{
		Project: p, platforms: o.Platforms, named: len(o.Platforms) > 0, repository: cmp.Or(o.Repository, os.Getenv(repositoryEnv), p.Runtime.Repository),
	}
	if !t.named {
		t.platforms = []ocispecs.Platform{options.Local()}
	}
	return t, nil
}

// tagsRepository returns the repository for names. In profile openhands, the default is OpenHands' own.
func (t *target) tagsRepository() string {
	if t.repository == "" && t.Inputs.Source.Original {
		return originalRepository
	}
	return t.repository
}

// replanning runs a command again if a file of the project has changed meanwhile, or if an image has left the Docker engine.
func replanning(try func() error) error {
	return project.RetryChanged(func() error { return retryGone(try) }, func(changed *tags.ChangedError) {
		note(changed.Error() + "; planning again")
	})
}

// retryGone calls try, and calls it again if an image that the plan enters on has left the Docker engine's store.
func retryGone(try func() error) error {
	err := try()
	if gone := new(publish.GoneError); errors.As(err, &gone) {
		note(gone.Error() + "; planning again")
		return try()
	}
	return err
}
