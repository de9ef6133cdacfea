package testenv

import (
	"cmp"
	"context"
	"os"
	"slices"
	"strconv"
	"strings"
)

// BuildKits lists the directories of hack/buildkit, oldest version first. "0.19" is the oldest that rtbuild supports.
func BuildKits(ctx context.Context) ([]string, error) {
	dir, err := moduleDir(ctx, "buildkit")
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

// minor returns 19 for "0.19".
func minor(version string) int {
	_, text, _ := strings.Cut(version, ".")
	n, _ := strconv.Atoi(text)
	return n
}

// BuildKitVersion returns the release that the module hack/buildkit/NAME pins: "v0.19.0".
func BuildKitVersion(ctx context.Context, name string) (string, error) {
	return moduleVersion(ctx, "buildkit/"+name, "github.com/moby/buildkit")
}

// BuildBuildKit builds the buildkitd of the module hack/buildkit/NAME, and returns its file in the cache. env is the environment
// of the go command: GOTOOLCHAIN selects another version of Go.
func BuildBuildKit(ctx context.Context, name string, env ...string) (string, error) {
	return buildKit(ctx, tool{module: "buildkit/" + name, pkg: "github.com/moby/buildkit/cmd/buildkitd", env: env})
}
