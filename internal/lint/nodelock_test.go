package lint

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/moby/buildkit/frontend/dockerfile/linter"
)

// lockedByManager returns a project of the end-to-end tests, whose lock file its package manager wrote, with one edit of a file.
func lockedByManager(t *testing.T, dir, file, old, text string) fstest.MapFS {
	t.Helper()
	root := os.DirFS(filepath.Join("../e2e/testdata/node", dir))
	project := fstest.MapFS{}
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			data, readErr := fs.ReadFile(root, name)
			project[name], err = &fstest.MapFile{Data: data}, readErr
		}
		return err
	})
	if err != nil || !strings.Contains(string(project[file].Data), old) {
		t.Fatalf("%s does not contain %q, or %v", file, old, err)
	}
	project[file].Data = []byte(strings.Replace(string(project[file].Data), old, text, 1))
	project["runtime.yaml"] = &fstest.MapFile{Data: []byte("base: " + pinned + "\n")}
	return project
}

// TestNodeLockOutOfStep compares lock files that the managers wrote with manifests as they were then, and edited.
func TestNodeLockOutOfStep(t *testing.T) {
	const (
		root, lib = "package.json", "lib/package.json"
		odd       = `"is-odd":"3.0.1"`
		pnpm      = ": run pnpm install --lockfile-only, and commit both"
		yarn      = ": run yarn install, and commit both"
		bun       = ": run bun install --lockfile-only, and commit both"
	)
	for _, tt := range []struct {
		dir, file, old, text string
		want                 string // without the manifest; empty: in step
	}{
		{"pnpm", root, "", "", ""},
		{"pnpm", lib, odd, `"is-odd":"^3.0.0"`, `pnpm-lock.yaml does not agree with lib/package.json: is-odd is "^3.0.0", but "3.0.1" in the lock file` + pnpm},
		{"pnpm", lib, odd, odd + `,"x":"1","y":"link:../y"`, `pnpm-lock.yaml does not agree with lib/package.json: x is "1", but is not in the lock file` + pnpm},
		{"pnpm", lib, odd + "}", `"x":"1"},"peerDependencies":{"is-odd":"3.0.1"}`, `pnpm-lock.yaml does not agree with lib/package.json: x is "1", but is not in the lock file` + pnpm},
		{"pnpm", lib, "," + odd, "", `pnpm-lock.yaml does not agree with lib/package.json: is-odd is "3.0.1" in the lock file, but is not in the manifest` + pnpm},
		{"pnpm-12", root, "", "", ""},
		{"pnpm-12", lib, `"3.0.1"`, `"3.0.0"`, `pnpm-lock.yaml does not agree with lib/package.json: is-odd is "3.0.0", but "3.0.1" in the lock file` + pnpm},
		{"pnpm-single", root, "", "", ""},
		{"pnpm-single", root, `"3.0.1"`, `"3.0.0"`, `pnpm-lock.yaml does not agree with package.json: is-odd is "3.0.0", but "3.0.1" in the lock file` + pnpm},
		{"yarn", root, "", "", ""},
		{"yarn", lib, odd, `"is-odd":"3.0.0"`, `yarn.lock does not agree with lib/package.json: is-odd is "3.0.0", but is not in the lock file` + yarn},
		{"yarn", lib, "," + odd, "", ""}, // yarn 1 does not mind
		{"yarn", lib, odd, odd + `,"app":"^9.0.0","x":"https://registry.example.com/x.tgz"`, ""},
		{"yarn-berry", root, "", "", ""},
		{"yarn-berry", lib, odd, `"is-odd":"npm:3.0.1"`, ""},
		{"yarn-berry", lib, odd, `"is-odd":"3.0.0"`, `yarn.lock does not agree with lib/package.json: is-odd is "3.0.0", but "3.0.1" in the lock file` + yarn},
		{"yarn-berry", lib, "," + odd, "", `yarn.lock does not agree with lib/package.json: is-odd is "3.0.1" in the lock file, but is not in the manifest` + yarn},
		{"bun", root, "", "", ""},
		{"bun", root, `"left-pad":"1.3.0"`, `"left-pad":"1.2.0"`, `bun.lock does not agree with package.json: left-pad is "1.2.0", but "1.3.0" in the lock file` + bun},
		{"bun", lib, odd, odd + `,"x":"1"`, `bun.lock does not agree with lib/package.json: x is "1", but is not in the lock file` + bun},
	} {
		t.Run(tt.dir+" "+tt.text, func(t *testing.T) {
			project := lockedByManager(t, tt.dir, tt.file, tt.old, tt.text)
			in := Input{Runtime: load(t, project), Project: project}
			var details []string
			for _, finding := range nodeLocksOutOfStep(in) {
				details = append(details, finding.Detail)
			}
			err := CheckLocks(in, &linter.Config{})
			switch {
			case tt.want == "" && len(details) == 0 && err == nil:
			case !slices.Equal(details, []string{tt.want}) || err == nil || !strings.HasPrefix(err.Error(), tt.file+":") || !strings.Contains(err.Error(), ": "+tt.want):
				t.Errorf("found %q; a build ends with %v", details, err)
			}
		})
	}
}

// TestCompareRequests has what the managers write in other ways than the manifest.
func TestCompareRequests(t *testing.T) {
	for _, tt := range []struct {
		name, manifest string
		locked         map[string]string
		found          int
	}{
		{"the lock file does not say", `{"dependencies": {"a": "1"}}`, nil, 0},
		{"a program that pnpm downloads", `{"devEngines": {"runtime": {"name": "node", "version": "^24", "onFail": "download"}}}`, map[string]string{"node": "runtime:^24"}, 0},
		{"a peer that is locked", `{"peerDependencies": {"a": "1"}}`, map[string]string{"a": "1"}, 0},
		{"a peer and a development dependency", `{"peerDependencies": {"a": "1"}, "devDependencies": {"a": "1"}}`, map[string]string{}, 0},
		{"not locked", `{"dependencies": {"a": "1"}}`, map[string]string{}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var manifest object
			if err := json.Unmarshal([]byte(tt.manifest), &manifest); err != nil {
				t.Fatal(err)
			}
			if got := compareRequests(manifest, tt.locked); len(got) != tt.found {
				t.Errorf("found %+v", got)
			}
		})
	}
}

// TestNodeLockChangedManifests: hooks and overrides change what pnpm compares, so nothing is said.
func TestNodeLockChangedManifests(t *testing.T) {
	for _, file := range []struct{ name, text string }{
		{".pnpmfile.cjs", ""}, {"pnpm-lock.yaml", "lockfileVersion: '9.0'\noverrides:\n  is-odd: 3.0.1\nimporters:\n  .: {}\n"},
		{"pnpm-lock.yaml", "<<<<<<< HEAD\n"}, {"lib/package.json", "{"},
	} {
		project := lockedByManager(t, "pnpm", "lib/package.json", "3.0.1", "3.0.0")
		in := Input{Runtime: load(t, project), Project: project}
		project[file.name] = &fstest.MapFile{Data: []byte(file.text)}
		if found := nodeLocksOutOfStep(in); len(found) > 0 {
			t.Errorf("with %s: %+v", file.name, found)
		}
	}
}
