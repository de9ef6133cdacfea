package testmirror

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/rtbuild/rtbuild/internal/testenv"
)

// recipe is part of the names in the cache. Raise it when the cached content changes.
const recipe = "3"

// cached returns the directory of a name in the cache. If it does not exist, build creates its content.
func cached(cacheDir, name string, build func(dir string) error) (string, error) {
	dir := filepath.Join(cacheDir, "testmirror", name+"-"+recipe)
	err := testenv.Made(dir, func(temp string) error {
		if err := os.Mkdir(temp, 0o755); err != nil {
			return err
		}
		return build(temp)
	})
	if err != nil {
		return "", fmt.Errorf("making the stand-in %s: %w", name, err)
	}
	return dir, nil
}

// command runs a program. The error contains its standard error.
func command(ctx context.Context, dir, name string, args ...string) error {
	_, err := output(ctx, dir, name, args...)
	return err
}

// output runs a program like command, and returns its standard output.
func output(ctx context.Context, dir, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	var stderr bytes.Buffer
	cmd.Dir, cmd.Stderr = dir, &stderr
	out, err := cmd.Output()
	if errors.Is(err, exec.ErrNotFound) {
		return nil, fmt.Errorf("%s is not installed: run hack/deps: %w", name, err)
	}
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, stderr.Bytes())
	}
	return out, nil
}

// goBuild compiles a package of this module for an architecture, named as in Go.
func goBuild(ctx context.Context, architecture, file, pkg string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -buildid=", "-o", file, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+architecture, "GOARM=7")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("compiling %s for %s: %w\n%s", pkg, architecture, err, out)
	}
	return nil
}

// triplet returns Debian's name of the directory of this machine's libraries.
func triplet() string {
	if runtime.GOARCH == "arm64" {
		return "aarch64-linux-gnu"
	}
	return "x86_64-linux-gnu"
}
