package testenv

import (
	"cmp"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// BuildKits lists the directories of hack/buildkit, the oldest version first: "0.19" is the oldest that rtbuild works with.
func BuildKits(ctx context.Context) ([]string, error) {
	dir, err := buildKits(ctx)
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var versions []string
	for _, entry := range entries {
		versions = append(versions, entry.Name())
	}
	slices.SortFunc(versions, func(a, b string) int { return cmp.Compare(minor(a), minor(b)) })
	return versions, nil
}

// minor is 19 for "0.19".
func minor(version string) int {
	_, text, _ := strings.Cut(version, ".")
	n, _ := strconv.Atoi(text)
	return n
}

func buildKits(ctx context.Context) (string, error) {
	root, err := goList(ctx, "", "{{.Dir}}", "github.com/rtbuild/rtbuild")
	return filepath.Join(root, "hack", "buildkit"), err
}

// BuildKitVersion is the release that the module hack/buildkit/NAME pins: "v0.19.0".
func BuildKitVersion(ctx context.Context, name string) (string, error) {
	dir, err := buildKits(ctx)
	if err != nil {
		return "", err
	}
	return goList(ctx, filepath.Join(dir, name), "{{.Version}}", "github.com/moby/buildkit")
}

// BuildBuildKit builds the buildkitd of the module hack/buildkit/NAME, and gives its file in dir. From an empty build cache it
// takes about as long as the buildkitd of Build. What env sets is for the go command: GOTOOLCHAIN builds it with another Go.
func BuildBuildKit(ctx context.Context, name, dir string, env ...string) (string, error) {
	version, err := BuildKitVersion(ctx, name)
	if err != nil {
		return "", err
	}
	file, err := filepath.Abs(filepath.Join(dir, strings.Join(append([]string{"buildkitd", version}, env...), "-")))
	if err != nil {
		return "", err
	}
	ldflags := "-s -w -X github.com/moby/buildkit/version.Version=" + version
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", ldflags, "-o", file, "github.com/moby/buildkit/cmd/buildkitd")
	if build.Dir, err = buildKits(ctx); err != nil {
		return "", err
	}
	build.Dir = filepath.Join(build.Dir, name)
	build.Env = slices.Concat(os.Environ(), []string{"CGO_ENABLED=0"}, env)
	return file, run(build)
}

// goList asks Go about a module, from a directory.
func goList(ctx context.Context, dir, format, module string) (string, error) {
	list := exec.CommandContext(ctx, "go", "list", "-m", "-f", format, module)
	list.Dir = dir
	out, err := output(list)
	return strings.TrimSpace(out), err
}
