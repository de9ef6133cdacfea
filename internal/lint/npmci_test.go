package lint

import (
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/linter"
)

// TestCheckNPMLock: the verdicts are those of npm 11.19.1's npm ci on the same files.
func TestCheckNPMLock(t *testing.T) {
	const locked = `{"lockfileVersion": 3, "packages": {"": {"dependencies": {"a": "7.0.0"}}, "node_modules/a": {"version": "7.0.0"}, "w": {},
		"node_modules/w": {"resolved": "w", "link": true}, "node_modules/a/node_modules/b": {"version": "1.2.0"}, "node_modules/c": {"version": "1.0.0", "inBundle": true},
		"node_modules/d": {"version": "1.0.0", "name": "other"}}}`
	tests := []struct {
		name, manifest string
		want           string // a part of the error; empty: none
	}{
		{"the same", `{"dependencies": {"a": "7.0.0"}}`, ""},
		{"the project's version", `{"version": "2.0.0", "dependencies": {"a": "7.0.0"}}`, ""},
		{"a range that the locked version satisfies", `{"dependencies": {"a": "^7.0.0"}}`, ""},
		{"removed", `{}`, ""},
		{"moved", `{"devDependencies": {"a": "7.0.0"}}`, ""},
		{"missing", `{"dependencies": {"a": "7.0.0", "x": "1.3.0"}}`, `package.json:1: npm ci fails: package-lock.json does not agree with package.json: x is "1.3.0", but is not in the lock file: run npm install`},
		{"missing for development", `{"dependencies": {"a": "7.0.0"}, "devDependencies": {"x": "1.3.0"}}`, "x of devDependencies"},
		{"missing, optional", `{"dependencies": {"a": "7.0.0"}, "optionalDependencies": {"x": "1.3.0"}}`, "x of optionalDependencies"},
		{"a missing peer may not be needed", `{"dependencies": {"a": "7.0.0"}, "peerDependencies": {"x": "1.3.0"}}`, ""},
		{"another version", `{"dependencies": {"a": "6.0.0"}}`, `a is "6.0.0", but "7.0.0" in the lock file`},
		{"another range", `{"dependencies": {"a": "^6.0.0"}}`, `a is "^6.0.0", but "7.0.0" in the lock file`},
		{"a range that is not understood", `{"dependencies": {"a": ">=6 <8 || 9"}}`, ""},
		{"all at once", `{"dependencies": {"p": "1", "q": "1", "r": "1", "s": "1", "t": "1", "u": "1"}}`, `t is "1", but is not in the lock file; u is "1", but is not in the lock file: run`},
		{"an override", `{"dependencies": {"a": "7.0.0"}, "overrides": {"b": "1.3.0"}}`, `b is overridden to be "1.3.0", but node_modules/a/node_modules/b is 1.2.0 in the lock file`},
		{"an override of itself", `{"dependencies": {"a": "7.0.0"}, "overrides": {"b": {".": "1.3.0"}}}`, "b is overridden"},
		{"an override by reference", `{"dependencies": {"a": "7.0.0"}, "devDependencies": {"b": "^2.0.0"}, "overrides": {"b": "$b"}}`, "b is overridden"},
		{"an override that is locked", `{"dependencies": {"a": "7.0.0"}, "overrides": {"b": "~1.2.0"}}`, ""},
		{"an override below another package", `{"dependencies": {"a": "7.0.0"}, "overrides": {"x": {"b": "1.3.0"}}}`, ""},
		{"an override of what is bundled or has another name", `{"dependencies": {"a": "7.0.0"}, "overrides": {"c": "2.0.0", "d": "2.0.0"}}`, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			project := node("package.json", test.manifest, "package-lock.json", locked)
			err := CheckLocks(Input{Runtime: load(t, project), Project: project}, &linter.Config{})
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

// TestCheckLocksOfWorkspaces: the faults of all manifests come at once.
func TestCheckLocksOfWorkspaces(t *testing.T) {
	project := node("package.json", `{"workspaces": ["w", "v"], "dependencies": {"x": "1"}}`, "w/package.json", `{"version": "2.0.0", "dependencies": {"y": "1"}}`, "v/package.json", "{}",
		"package-lock.json", `{"lockfileVersion": 3, "packages": {"": {}, "w": {"version": "1.0.0"}}}`)
	err := CheckLocks(Input{Runtime: load(t, project), Project: project}, &linter.Config{})
	for _, want := range []string{`package.json:1: npm ci fails`, `w/package.json:1: npm ci fails: package-lock.json does not agree with w/package.json: y is "1"`, "v/package.json: the workspace v is not in package-lock.json"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// TestManifestsInOddForms: npm writes these lock files for these manifests, so there is nothing to find.
func TestManifestsInOddForms(t *testing.T) {
	tests := []struct {
		name, manifest, workspace string
		entries                   string // of the lock file
	}{
		{"another name", `{"dependencies": {"b": "npm:a@2.0.0"}}`, "", `"": {"dependencies": {"b": "npm:a@2.0.0"}}, "node_modules/b": {"name": "a", "version": "2.0.0"}`},
		{"bundled", `{"dependencies": {"a": "2.0.0"}, "bundleDependencies": ["a"]}`, "", `"": {"bundleDependencies": ["a"], "dependencies": {"a": "2.0.0"}}, "node_modules/a": {"version": "2.0.0", "inBundle": true}`},
		{"twice, for development", `{"dependencies": {"a": "2.0.0"}, "devDependencies": {"a": "1.0.0"}}`, "",
			`"": {"dependencies": {"a": "2.0.0"}, "devDependencies": {"a": "1.0.0"}}, "node_modules/a": {"version": "1.0.0", "dev": true}`},
		{"twice, optional", `{"dependencies": {"a": "2.0.0"}, "optionalDependencies": {"a": "2.0.0"}}`, "", `"": {"optionalDependencies": {"a": "2.0.0"}}, "node_modules/a": {"version": "2.0.0", "optional": true}`},
		{"twice, as a peer", `{"devDependencies": {"a": "2.0.0"}, "peerDependencies": {"a": "^2.0.0"}, "peerDependenciesMeta": {"a": {"optional": true}}}`, "",
			`"": {"devDependencies": {"a": "2.0.0"}, "peerDependencies": {"a": "^2.0.0"}, "peerDependenciesMeta": {"a": {"optional": true}}}, "node_modules/a": {"version": "2.0.0", "dev": true}`},
		{"empty ranges", `{"dependencies": {"a": "", "b": "*"}}`, "", `"": {"dependencies": {"a": "", "b": "*"}}, "node_modules/a": {"version": "2.0.0"}, "node_modules/b": {"version": "1.0.0"}`},
		{"blanks", `{"dependencies": {"a": " ^2.0.0 ", "b": ">= 1.0.0 < 2"}}`, "", `"": {"dependencies": {"a": " ^2.0.0 ", "b": ">= 1.0.0 < 2"}}, "node_modules/a": {"version": "2.0.0"}, "node_modules/b": {"version": "1.0.0"}`},
		{"a version with a letter", `{"version": "v1.2.0", "dependencies": {"a": "2.0.0"}}`, "", `"": {"version": "v1.2.0", "dependencies": {"a": "2.0.0"}}, "node_modules/a": {"version": "2.0.0"}`},
		{"a workspace as a dependency, and peers", `{"workspaces": ["w"], "dependencies": {"w": "*"}}`, `{"version": "1.0.0", "dependencies": {"a": "2.0.0"}, "devDependencies": {"a": "2.0.0"}, "peerDependencies": {"b": "*"}}`,
			`"": {"workspaces": ["w"], "dependencies": {"w": "*"}}, "w": {"version": "1.0.0", "dependencies": {"a": "2.0.0"}, "devDependencies": {"a": "2.0.0"}, "peerDependencies": {"b": "*"}},
			"node_modules/w": {"resolved": "w", "link": true}, "node_modules/a": {"version": "2.0.0"}, "node_modules/b": {"version": "1.0.0", "peer": true}`},
		{"a workspace without a version", `{"workspaces": ["w"]}`, `{"dependencies": {"a": "2.0.0"}}`, `"": {"workspaces": ["w"]}, "w": {"dependencies": {"a": "2.0.0"}}, "node_modules/w": {"resolved": "w", "link": true}, "node_modules/a": {"version": "2.0.0"}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			project := node("package.json", test.manifest, "w/package.json", test.workspace, "package-lock.json", `{"lockfileVersion": 3, "packages": {`+test.entries+`}}`)
			in := Input{Runtime: load(t, project), Project: project}
			check(t, in)
			if err := CheckLocks(in, &linter.Config{}); err != nil {
				t.Error(err)
			}
		})
	}
}
