package testenv

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// BuildOldest builds buildkitd in the version that hack/oldest pins, the oldest that rtbuild works with, and gives its file
// in dir. From an empty build cache it takes about as long as the buildkitd of Build.
func BuildOldest(ctx context.Context, dir string) (string, error) {
	root, err := goList(ctx, "", "{{.Dir}}", "github.com/rtbuild/rtbuild")
	if err != nil {
		return "", err
	}
	module := filepath.Join(root, "hack", "oldest")
	version, err := goList(ctx, module, "{{.Version}}", "github.com/moby/buildkit")
	if err != nil {
		return "", err
	}
	file, err := filepath.Abs(filepath.Join(dir, "buildkitd-"+version))
	if err != nil {
		return "", err
	}
	ldflags := "-s -w -X github.com/moby/buildkit/version.Version=" + version
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", ldflags, "-o", file, "github.com/moby/buildkit/cmd/buildkitd")
	build.Dir = module
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	return file, run(build)
}

// goList asks Go about a module, from a directory.
func goList(ctx context.Context, dir, format, module string) (string, error) {
	list := exec.CommandContext(ctx, "go", "list", "-m", "-f", format, module)
	list.Dir = dir
	out, err := output(list)
	return strings.TrimSpace(out), err
}
