package testenv

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// Binaries are the programs under test, built from this module.
type Binaries struct{ Client, Buildkitd, Buildctl, Buildx string }

// Build builds the client, and buildkitd, buildctl and buildx in the versions that go.mod pins, into dir.
func Build(ctx context.Context, dir string) (Binaries, error) {
	b := Binaries{
		Client:    filepath.Join(dir, "rtbuild-client"),
		Buildkitd: filepath.Join(dir, "buildkitd"),
		Buildctl:  filepath.Join(dir, "buildctl"),
		Buildx:    filepath.Join(dir, "buildx"),
	}
	// One after the other: the compiler uses all cores by itself.
	for _, program := range []struct{ file, pkg string }{
		{b.Client, "github.com/rtbuild/rtbuild/cmd/client"},
		{b.Buildkitd, "github.com/moby/buildkit/cmd/buildkitd"},
		{b.Buildctl, "github.com/moby/buildkit/cmd/buildctl"},
		{b.Buildx, "github.com/docker/buildx/cmd/buildx"},
	} {
		// As the Makefile builds them, so that the build cache serves both.
		if err := goBuild(ctx, runtime.GOARCH, program.file, program.pkg, "-ldflags", "-s -w"); err != nil {
			return b, err
		}
	}
	return b, nil
}

// BuildFrontend builds the program of the frontend image for an architecture, as it is released, and gives its file in dir.
func BuildFrontend(ctx context.Context, dir, architecture string) (string, error) {
	file := filepath.Join(dir, "rtbuild-frontend-"+architecture)
	return file, goBuildSmall(ctx, architecture, file, "github.com/rtbuild/rtbuild/cmd/frontend")
}

// BuildDockerfileFrontend builds BuildKit's own frontend in the version that go.mod pins and with the flags of ours, so that
// both can be compared as images, and gives its file in dir.
func BuildDockerfileFrontend(ctx context.Context, dir, architecture string) (string, error) {
	file := filepath.Join(dir, "dockerfile-frontend-"+architecture)
	return file, goBuildSmall(ctx, architecture, file, "github.com/moby/buildkit/frontend/dockerfile/cmd/dockerfile-frontend")
}

// goBuildSmall builds a program that is pulled before it runs: its size counts.
func goBuildSmall(ctx context.Context, architecture, file, pkg string) error {
	return goBuild(ctx, architecture, file, pkg, "-tags", "grpcnotrace", "-gcflags", "all=-l", "-ldflags", "-s -w -buildid=")
}

// goBuild builds a package of this module or of one that it needs.
func goBuild(ctx context.Context, architecture, file, pkg string, flags ...string) error {
	args := slices.Concat([]string{"build", "-trimpath"}, flags, []string{"-o", file, pkg})
	build := exec.CommandContext(ctx, "go", args...)
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+architecture)
	return run(build)
}

// CacheDir is where what is expensive to make is kept between runs, below the user's cache directory.
func CacheDir() (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(base, "rtbuild-test")
	return dir, os.MkdirAll(dir, 0o755)
}

func command(ctx context.Context, name string, args ...string) error {
	return run(exec.CommandContext(ctx, name, args...))
}

func run(cmd *exec.Cmd) error {
	var all bytes.Buffer
	cmd.Stdout, cmd.Stderr = &all, &all
	return explain(cmd, cmd.Run(), &all)
}

// output runs a program and gives its standard output.
func output(cmd *exec.Cmd) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := explain(cmd, cmd.Run(), &stderr)
	return stdout.String(), err
}

// explain says what failed, what it printed, and what to do if it is not there.
func explain(cmd *exec.Cmd, err error, printed *bytes.Buffer) error {
	if errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("%w: run hack/deps as root to install what tests need", err)
	}
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, printed)
	}
	return nil
}
