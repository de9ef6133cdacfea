package profile

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rtbuild/rtbuild/internal/profile/manifests"
)

// TestManagerVersion checks which manager and which version of it a project gets, or what is wrong with its choice.
func TestManagerVersion(t *testing.T) {
	const packageJSON, npmLock, v6, v9 = "package.json", "package-lock.json", "lockfileVersion: '6.0'\n", "lockfileVersion: '9.0'\n"
	tests := []struct {
		name, manifest string
		runtime        string
		locks          map[string]string
		manager        string
		version        string
		fault          string
	}{
		{"pnpm 8's lock file", "{}", "", map[string]string{manifests.PNPMLock: v6}, "pnpm", "8", ""},
		{"the lock file of pnpm 9 and newer", "{}", "", map[string]string{manifests.PNPMLock: v9}, "pnpm", "10", ""},
		{"patches of pnpm 9", "{}", "", map[string]string{manifests.PNPMLock: v9 + "patchedDependencies:\n  a:\n    hash: jjidl7utuvtxfmjqcinmoonbvm\n"}, "pnpm", "9", ""},
		{"packageManager", `{"packageManager": "pnpm@11.2.0+sha512.abc"}`, "", map[string]string{manifests.PNPMLock: v9}, "pnpm", "11", ""},
		{"a version that is not pinned", "{\n\"packageManager\": \"pnpm@7.1.0\"}", "", map[string]string{manifests.PNPMLock: v9}, "", "",
			"package.json:2: rtbuild has no pinned pnpm 7.1.0, only 8.15.9, 9.15.9, 10.34.9, 11.28.11, 12.21.0: name one of them, or set tools: [{name: pnpm, version: 7.1.0, sha256: {...}}]"},
		{"a version of the user's own", `{"packageManager": "pnpm@7.1.0"}`, "tools: [{name: pnpm, version: 7.1.0, sha256: {amd64: " + strings.Repeat("a", 64) + "}}]",
			map[string]string{manifests.PNPMLock: v9}, "pnpm", "7", ""},
		{"a version of the user's own, and no packageManager", "{}", "tools: [{name: pnpm, version: 12.1.0, sha256: {amd64: " + strings.Repeat("a", 64) + "}}]",
			map[string]string{manifests.PNPMLock: v9}, "pnpm", "12", ""},
		{"a lock file that is too new for packageManager", `{"packageManager": "pnpm@8.1.0"}`, "", map[string]string{manifests.PNPMLock: v9}, "", "",
			"pnpm-lock.yaml:1: its lockfileVersion is 9.0, and packageManager in package.json names pnpm 8, which cannot read it: name pnpm 9 or newer there, or write the file with pnpm 8"},
		{"a lock file that is too new", "{}", "", map[string]string{manifests.PNPMLock: "lockfileVersion: '12.0'"}, "", "",
			"pnpm-lock.yaml:1: its lockfileVersion is 12.0, and rtbuild has pnpm 8.15.9, 9.15.9, 10.34.9, 11.28.11, 12.21.0: write it with one of these, and say which by packageManager in package.json"},
		{"yarn 1", "{}", "", map[string]string{manifests.YarnLock: "# yarn lockfile v1\n"}, "yarn", "1", ""},
		{"yarn 3", "{}", "", map[string]string{manifests.YarnLock: "__metadata:\n  version: 6\n"}, "yarn", "3", ""},
		{"an older yarn 4", `{"packageManager": "yarn@4.18.0"}`, "", map[string]string{manifests.YarnLock: "__metadata:\r\n  version: 8\r\n"}, "yarn", "4.13", ""},
		{"yarn 4", `{"packageManager": "yarn@4.18.0"}`, "", map[string]string{manifests.YarnLock: "__metadata:\n  version: 10\n"}, "yarn", "4.18", ""},
		{"another yarn than packageManager's", `{"packageManager": "yarn@4.18.0"}`, "", map[string]string{manifests.YarnLock: "# yarn lockfile v1\n"}, "", "",
			"yarn.lock:1: yarn 1 wrote it, and packageManager in package.json names yarn 4: write it with: yarn install"},
		{"a lock file of yarn 2", "{}", "", map[string]string{manifests.YarnLock: "__metadata:\n  version: 4\n"}, "", "",
			"yarn.lock:1: its version is 4, and rtbuild has yarn 1.22.22, 3.8.7, 4.13.0, 4.14.1, 4.18.1: write it with one of these"},
		{"bun", `{"packageManager": "bun@1.1.0"}`, "", map[string]string{manifests.BunLock: "{\n  \"lockfileVersion\": 1,\n"}, "bun", "1", ""},
		{"a newer bun", "{}", "", map[string]string{manifests.BunLock: "{\n  \"lockfileVersion\": 3,\n"}, "", "",
			"bun.lock:1: its lockfileVersion is 3, and rtbuild has bun 1.4.5: write it with one of these"},
		{"bun's binary lock file", "{}", "", map[string]string{manifests.BunBinary: ""}, "", "",
			"no profile fits the project: found bun.lockb, but only bun can read it: write a bun.lock with: bun install --save-text-lockfile --lockfile-only"},
		{"two managers", "{}", "", map[string]string{manifests.PNPMLock: v9, npmLock: "{}"}, "", "",
			"the project has package-lock.json and pnpm-lock.yaml: say which its dependencies are installed from, by dependencies: {manager: npm} or {manager: pnpm} in runtime.yaml"},
		{"two managers, and packageManager", `{"packageManager": "pnpm@9.0.0"}`, "", map[string]string{manifests.PNPMLock: v9, npmLock: "{}"}, "pnpm", "9", ""},
		{"two managers, and a choice", `{"packageManager": "pnpm@9.0.0"}`, "dependencies: {manager: npm}", map[string]string{manifests.PNPMLock: v9, npmLock: "{}"}, "npm", "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			fsys := fstest.MapFS{packageJSON: {Data: []byte(test.manifest)}, "runtime.yaml": {Data: []byte("base: debian:bookworm\n" + test.runtime)}}
			for name, data := range test.locks {
				fsys[name] = &fstest.MapFile{Data: []byte(data)}
			}
			r, err := Load(fsys, Options{})
			if test.fault != "" {
				if err == nil || !strings.HasPrefix(err.Error(), test.fault) {
					t.Errorf("error\n%v\nwant\n%s", err, test.fault)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if r.Dependencies.Manager != test.manager || r.ManagerVersion != test.version {
				t.Errorf("%s %q, want %s %q", r.Dependencies.Manager, r.ManagerVersion, test.manager, test.version)
			}
		})
	}
}
