package lint

import (
	"strings"
	"testing"
)

func TestLockOutOfStep(t *testing.T) {
	const todo = ": run npm install --package-lock-only, and commit both"
	const differs = "package.json LockOutOfStep: package-lock.json does not agree with package.json: "
	lock := func(entries string) string { return `{"lockfileVersion": 3, "packages": {` + entries + `}}` }
	tests := []struct {
		name, manifest, lock string
		want                 []string
	}{
		{"the same", `{"version": "1.0.0", "dependencies": {"a": "^1"}}`, lock(`"": {"version": "1.0.0", "dependencies": {"a": "^1"}}`), nil},
		{"empty and nothing", `{"dependencies": {}}`, lock(`"": {"devDependencies": {}}`), nil},
		{"optional dependencies are locked once", `{"dependencies": {"a": "1"}, "optionalDependencies": {"a": "1"}}`, lock(`"": {"optionalDependencies": {"a": "1"}}`), nil},
		{"spaces", `{"dependencies": {"a": " ^1 "}}`, lock(`"": {"dependencies": {"a": "^1"}}`), nil},
		{"lock file version 1 does not repeat the manifest", `{"dependencies": {"a": "1"}}`, `{"lockfileVersion": 1}`, nil},
		{"a byte order mark", "\uFEFF{}", lock(`"": {}`), nil},
		{"a range", "{\n\"dependencies\": {\n\"b\": \"1\",\n\"a\": \"^2\"}}", lock(`"": {"dependencies": {"a": "^1", "b": "1"}}`), []string{differs + `a is "^2", but "^1" in the lock file` + todo + ` | "a": "^2"}}`}},
		{"an added dependency", "{\n\"devDependencies\": {\"a\": \"\"}}", lock(`"": {}`), []string{differs + `a of devDependencies is "", but is not in the lock file` + todo + ` | "devDependencies": {"a": ""}}`}},
		{"a removed dependency", "{\n\"x\": {\"dependencies\": 1},\n\"dependencies\": {}}", lock(`"": {"dependencies": {"a": "1"}}`), []string{differs + `a is "1" in the lock file, but is not in the manifest` + todo + ` | "dependencies": {}}`}},
		{"a removed field", "{}", lock(`"": {"peerDependencies": {"a": "1"}}`), []string{differs + `a of peerDependencies is "1" in the lock file, but is not in the manifest` + todo + ` | {}`}},
		{"the version", "{\n\"version\": \"2.0.0\"}", lock(`"": {"version": "1.0.0"}`), nil},
		{"an override that is not locked", "{\n\"overrides\": {\"a\": \"1.0.1\"}}", lock(`"": {}, "node_modules/a": {"version": "1.0.0"}`), []string{
			differs + `a is overridden to be "1.0.1", but node_modules/a is 1.0.0 in the lock file` + todo + ` | "overrides": {"a": "1.0.1"}}`}},
		{"no entry", `{"dependencies": {"a": "1"}}`, lock(""), []string{differs + `a is "1", but is not in the lock file` + todo + ` | {"dependencies": {"a": "1"}}`}},
		{"many differences", `{"dependencies": {"a": "1", "b": "1", "c": "1", "d": "1", "e": "1", "f": "1"}}`, lock(`"": {}`), []string{differs +
			`a is "1", but is not in the lock file; b is "1", but is not in the lock file; c is "1", but is not in the lock file; d is "1", but is not in the lock file; and 2 more` +
			todo + ` | {"dependencies": {"a": "1", "b": "1", "c": "1", "d": "1", "e": "1", "f": "1"}}`}},
		{"unexpected types are ignored", `{"version": 1, "dependencies": ["a"], "devDependencies": {"a": {}}}`, lock(`"": "x"`), nil},
		{"a workspace", `{"workspaces": ["w"]}`, lock(`"": {}, "w": {"version": "1.0.0"}`), []string{
			"w/package.json LockOutOfStep: package-lock.json does not agree with w/package.json: a of devDependencies is \"1\", but is not in the lock file" + todo + ` | "devDependencies": {"a": "1"}}`}},
		{"a workspace that is not locked", `{"workspaces": ["w"]}`, lock(`"": {}`), []string{"w/package.json LockOutOfStep: the workspace w is not in package-lock.json, so npm ci fails" + todo}},
		{"an unfinished merge", `{}`, "{\n\"packages\": {\n<<<<<<< HEAD\n", []string{"package-lock.json LockOutOfStep: package-lock.json is not valid JSON: " +
			"invalid character '<' looking for beginning of object key string: recreate it with npm install --package-lock-only | <<<<<<< HEAD"}},
		{"a list", `{}`, `[]`, []string{"package-lock.json LockOutOfStep: package-lock.json is not valid JSON: json: cannot unmarshal array into Go value of type " +
			"map[string]interface {}: recreate it with npm install --package-lock-only"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			project := node("package.json", test.manifest, "package-lock.json", test.lock, "w/package.json", "{\"version\": \"1.0.0\",\n\"devDependencies\": {\"a\": \"1\"}}")
			check(t, Input{Runtime: load(t, project), Project: project}, test.want...)
		})
	}
}

// TestLocksNotCompared checks what is not compared.
func TestLocksNotCompared(t *testing.T) {
	differing := node("package.json", `{"dependencies": {"a": "1"}}`)
	if got := started(Check(Input{Runtime: load(t, differing), Project: differing})); len(got) != 1 {
		t.Fatalf("got %v", got)
	}
	unread := files("runtime.yaml", "")
	none := node("package.json", `{"dependencies": {"a": "1"}}`, "runtime.yaml", "base: "+pinned+"\ndependencies: {manager: none}")
	listed := node("runtime.yaml", "base: "+pinned+"\ndependencies: {files: [package.json, package-lock.json, tool/package.json]}", "tool/package.json", "{}")
	check(t, Input{Runtime: load(t, differing)})
	check(t, Input{Runtime: load(t, differing), Project: unread})
	check(t, Input{Runtime: load(t, none), Project: none})
	check(t, Input{Runtime: load(t, listed), Project: listed}) // the listed manifest is not a workspace
}

func TestLineOf(t *testing.T) {
	const data = "{\n\"a\": {\"b\": 1},\n\"b\": [{\n\"c\": 1}],\n\"c\":\n{\n\"b\": 2}}"
	tests := []struct {
		path string
		want int
	}{{"a", 2}, {"b", 3}, {"c", 5}, {"c b", 7}, {"c x", 5}, {"b c", 3}, {"x", 1}, {"x y", 1}}
	for _, test := range tests {
		if got := lineOf([]byte(data), strings.Fields(test.path)...); got != test.want {
			t.Errorf("%s: line %d, want %d", test.path, got, test.want)
		}
	}
	for _, broken := range []string{"", "[", "{", "{1", `{"x": `, `{"x": }`} {
		if got := lineOf([]byte(broken), "a"); got != 1 {
			t.Errorf("%s: line %d", broken, got)
		}
	}
}
