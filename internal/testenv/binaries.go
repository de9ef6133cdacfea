package testenv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Binaries are the programs under test, built from this module.
type Binaries struct{ Client, Buildkitd, Buildctl string }

// Build builds the client, and buildkitd and buildctl in the versions that go.mod pins, into dir.
func Build(ctx context.Context, dir string) (Binaries, error) {
	b := Binaries{
		Client:    filepath.Join(dir, "rtbuild-client"),
		Buildkitd: filepath.Join(dir, "buildkitd"),
		Buildctl:  filepath.Join(dir, "buildctl"),
	}
	for output, pkg := range map[string]string{
		b.Client:    "github.com/rtbuild/rtbuild/cmd/client",
		b.Buildkitd: "github.com/moby/buildkit/cmd/buildkitd",
		b.Buildctl:  "github.com/moby/buildkit/cmd/buildctl",
	} {
		// As the Makefile builds them, so that the build cache serves both.
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", output, pkg)
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if err := run(build); err != nil {
			return b, err
		}
	}
	return b, nil
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
	out, err := cmd.CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("%w: run hack/deps as root to install what tests need", err)
	}
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, out)
	}
	return nil
}
