package lint

import (
	"slices"
	"testing"
)

// TestPlatformsNotLocked: a lock file of one platform has the packages of that platform alone.
func TestPlatformsNotLocked(t *testing.T) {
	const found = "package-lock.json LockOutOfStep: package-lock.json lacks optional dependencies of esbuild: @esbuild/linux-arm64, @esbuild/linux-x64: " +
		"if it was written on another platform, remove node_modules and package-lock.json, and run npm install --package-lock-only"
	const optional = `"optionalDependencies": {"@esbuild/darwin-arm64": "1", "@esbuild/linux-arm64": "1", "@esbuild/linux-x64": "1"}`
	for _, tt := range []struct {
		name, packages string
		want           []string
	}{
		{"one platform", `"node_modules/esbuild": {` + optional + `}, "node_modules/@esbuild/darwin-arm64": {}`, []string{found + ` | {"lockfileVersion": 3, "packages": {"node_modules/esbuild": {` + optional + `}, "node_modules/@esbuild/darwin-arm64": {}}}`}},
		{"all", `"node_modules/esbuild": {` + optional + `}, "node_modules/@esbuild/darwin-arm64": {}, "node_modules/@esbuild/linux-arm64": {}, "node_modules/@esbuild/linux-x64": {}`, nil},
		{"all, below others", `"node_modules/a/node_modules/esbuild": {` + optional + `}, "node_modules/@esbuild/darwin-arm64": {}, "node_modules/a/node_modules/@esbuild/linux-arm64": {},
			"node_modules/a/node_modules/esbuild/node_modules/@esbuild/linux-x64": {}`, nil},
		{"none", `"node_modules/esbuild": {` + optional + `}`, nil},
		{"the project's own", `"": {` + optional + `}, "node_modules/@esbuild/linux-x64": {}`, nil}, // the comparison with the manifest finds them
		{"other types", `"node_modules/esbuild": 1, "node_modules/a": {"optionalDependencies": []}`, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			project := node("package.json", "{}", "package-lock.json", `{"lockfileVersion": 3, "packages": {`+tt.packages+`}}`, "runtime.yaml", "base: "+pinned+"\n")
			if got := inLines(platformsNotLocked(Input{Runtime: load(t, project), Project: project})); !slices.Equal(got, tt.want) {
				t.Errorf("found %q", got)
			}
		})
	}
}
