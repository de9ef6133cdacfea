package testenv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"
)

// Buildkitd builds the buildkitd of rtbuild's installation, and returns its file in the cache.
func Buildkitd(ctx context.Context) (string, error) {
	return currentBuildKit(ctx, "github.com/moby/buildkit/cmd/buildkitd")
}

func currentBuildKit(ctx context.Context, pkg string) (string, error) {
	return buildKit(ctx, tool{module: "tools/buildkit", pkg: pkg})
}

// buildKit builds a program of BuildKit, with its version set.
func buildKit(ctx context.Context, t tool) (string, error) {
	version, err := moduleVersion(ctx, t.module, "github.com/moby/buildkit")
	if err != nil {
		return "", err
	}
	t.ldflags = "-X github.com/moby/buildkit/version.Version=" + version
	return t.build(ctx)
}

// tool is a program in a module below hack.
type tool struct {
	module  string // its directory below hack
	pkg     string
	ldflags string   // apart from -s -w
	env     []string // of the go command
}

// unusedFor is how long the cache keeps an unused tool. The longest run, that of the soak tests, takes hours.
const unusedFor = 7 * 24 * time.Hour

// build builds the tool unless it is in the cache, and returns its file. The directory's name depends on all inputs of the build,
// so that runs of different commits use different files.
func (t tool) build(ctx context.Context) (string, error) {
	module, err := moduleDir(ctx, t.module)
	if err != nil {
		return "", err
	}
	key, err := t.key(module)
	if err != nil {
		return "", err
	}
	cache, err := CacheDir()
	if err != nil {
		return "", err
	}
	bin := filepath.Join(cache, "bin", key)
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return "", err
	}
	unlock, err := lock(filepath.Join(cache, "bin.lock"))
	if err != nil {
		return "", err
	}
	defer unlock()
	file := filepath.Join(bin, filepath.Base(t.pkg))
	if err := goBuildWith(ctx, t.env, module, file, t.pkg, "-ldflags", strings.TrimSpace("-s -w "+t.ldflags)); err != nil {
		return "", err
	}
	now := time.Now()
	return file, errors.Join(os.Chtimes(bin, now, now), removeUnused(filepath.Dir(bin), now.Add(-unusedFor)))
}

// key returns a short hash of the inputs of the tool's build.
func (t tool) key(module string) (string, error) {
	sum := digest.Canonical.Digester()
	for _, name := range []string{"go.mod", "go.sum"} {
		content, err := os.ReadFile(filepath.Join(module, name))
		if err != nil {
			return "", err
		}
		_, _ = sum.Hash().Write(content)
	}
	_, err := fmt.Fprintf(sum.Hash(), "%q %q %q %q", t.pkg, t.ldflags, t.env, []string{runtime.Version(), runtime.GOARCH})
	return sum.Digest().Encoded()[:12], err
}

// moduleDir returns the directory of a module below hack.
func moduleDir(ctx context.Context, name string) (string, error) {
	root, err := goList(ctx, "", "{{.Dir}}", "github.com/rtbuild/rtbuild")
	return filepath.Join(root, "hack", filepath.FromSlash(name)), err
}

// moduleVersion returns the version of a dependency that a module below hack pins: "v0.19.0".
func moduleVersion(ctx context.Context, name, dependency string) (string, error) {
	dir, err := moduleDir(ctx, name)
	if err != nil {
		return "", err
	}
	return goList(ctx, dir, "{{.Version}}", dependency)
}

// goList returns what go list prints about a module, run in a directory.
func goList(ctx context.Context, dir, format, module string) (string, error) {
	list := exec.CommandContext(ctx, "go", "list", "-m", "-f", format, module)
	list.Dir = dir
	out, err := output(list)
	return strings.TrimSpace(out), err
}
