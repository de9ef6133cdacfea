package main

import (
	"errors"

	"github.com/rtbuild/rtbuild/internal/destination"
	"github.com/rtbuild/rtbuild/internal/embedded"
	"github.com/rtbuild/rtbuild/internal/imagebuild"
	"github.com/rtbuild/rtbuild/internal/publish"
	"github.com/rtbuild/rtbuild/internal/registry"
	"github.com/rtbuild/rtbuild/internal/solve"
	"github.com/rtbuild/rtbuild/tags"
)

// Exit codes, as docs/client.md lists them.
const (
	exitBuild    = 1
	exitUsage    = 2
	exitRegistry = 3
	exitBuilder  = 4
)

// coded is an error with an exit code.
type coded struct {
	error
	code int
}

func (c *coded) Unwrap() error { return c.error }

// withCode sets the exit code of an error by the stage in which it occurred. exitCode uses it only if the error's type does not decide.
func withCode(code int, err error) error {
	if err == nil {
		return nil
	}
	return &coded{err, code}
}

// exitCode returns the process's exit code for an error. Its type decides, then the code of withCode.
func exitCode(err error) int {
	var (
		changed *tags.ChangedError
		reg     *registry.Error
		push    *solve.PushError
		image   *imagebuild.ImageError
		builder *solve.BuilderError
		pair    *destination.PairError
		foreign *solve.PlatformError
		old     *imagebuild.TooOldError
		step    *solve.StepError
		built   *publish.BuildError
		stage   *coded
	)
	switch {
	case errors.Is(err, errInterrupted), errors.As(err, &step):
		return exitBuild
	case errors.As(err, &changed), errors.Is(err, embedded.ErrNoPort):
		return exitUsage
	case errors.As(err, &reg), errors.As(err, &push), errors.As(err, &image):
		return exitRegistry
	case errors.As(err, &builder), errors.As(err, &foreign), errors.As(err, &old):
		return exitBuilder
	case errors.As(err, &built):
		return exitBuild
	case errors.As(err, &stage):
		return stage.code
	case errors.As(err, &pair):
		return exitBuilder
	}
	return exitUsage // from cobra: an unknown command or flag
}
