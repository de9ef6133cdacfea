package testenv

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// Binaries holds the paths of the programs under test.
type Binaries struct{ Client, Buildkitd, Buildctl, Buildx string }

// Build builds the client of this module into dir, and the programs of the modules in hack/tools into the cache.
func Build(ctx context.Context, dir string) (Binaries, error) {
	b := Binaries{Client: filepath.Join(dir, "rtbuild-client")}
	// The flags are the Makefile's, so that both share the build cache.
	err := goBuild(ctx, "", b.Client, "github.com/rtbuild/rtbuild/cmd/client", "-ldflags", "-s -w")
	if err != nil {
		return b, err
	}
	// One after the other: the compiler uses all cores by itself.
	if b.Buildkitd, err = Buildkitd(ctx); err != nil {
		return b, err
	}
	if b.Buildctl, err = currentBuildKit(ctx, "github.com/moby/buildkit/cmd/buildctl"); err != nil {
		return b, err
	}
	b.Buildx, err = tool{module: "tools/buildx", pkg: "github.com/docker/buildx/cmd/buildx"}.build(ctx)
	return b, err
}

// BuildFrontend builds the program of the frontend image for an architecture, with the flags of a release. It returns the file in
// dir.
func BuildFrontend(ctx context.Context, dir, architecture string) (string, error) {
	file := filepath.Join(dir, "rtbuild-frontend-"+architecture)
	return file, goBuildSmall(ctx, "", architecture, file, "github.com/rtbuild/rtbuild/cmd/frontend")
}

// BuildDockerfileFrontend builds BuildKit's own frontend with the flags of ours, so that both can be compared as images. It
// returns the file in dir.
func BuildDockerfileFrontend(ctx context.Context, dir, architecture string) (string, error) {
	module, err := moduleDir(ctx, "tools/buildkit")
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, "dockerfile-frontend-"+architecture)
	return file, goBuildSmall(ctx, module, architecture, file, "github.com/moby/buildkit/frontend/dockerfile/cmd/dockerfile-frontend")
}

// goBuildSmall builds a small program, for an image that is pulled before each use.
func goBuildSmall(ctx context.Context, module, architecture, file, pkg string) error {
	flags := []string{"-tags", "grpcnotrace", "-gcflags", "all=-l", "-ldflags", "-s -w -buildid="}
	return goBuildWith(ctx, []string{"GOARCH=" + architecture}, module, file, pkg, flags...)
}

// goBuild builds a package in a module's directory; "" is this module's.
func goBuild(ctx context.Context, module, file, pkg string, flags ...string) error {
	return goBuildWith(ctx, nil, module, file, pkg, flags...)
}

func goBuildWith(ctx context.Context, env []string, module, file, pkg string, flags ...string) error {
	file, err := filepath.Abs(file)
	if err != nil {
		return err
	}
	args := slices.Concat([]string{"build", "-trimpath"}, flags, []string{"-o", file, pkg})
	build := exec.CommandContext(ctx, "go", args...)
	build.Dir = module
	build.Env = slices.Concat(os.Environ(), []string{"CGO_ENABLED=0", "GOOS=linux"}, env)
	return run(build)
}
