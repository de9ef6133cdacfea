package lint

import (
	"strings"
	"testing"
)

func TestScriptsLeftOut(t *testing.T) {
	const todo = ". If the image needs what they do, run them by extra, such as extra: "
	const dev = ". If they need development dependencies, write dependencies: {env: {NODE_ENV: development}}, too"
	found := func(file string) string {
		return file + " ScriptsLeftOut: the scripts of " + file + " do not run, because the dependencies are installed without the source: "
	}
	tests := []struct {
		name, manifest string
		want           []string
	}{
		{"none", `{"scripts": {"start": "node .", "build": "tsc", "postbuild": "true"}}`, nil},
		{"empty", `{"scripts": {"prepare": ""}}`, nil},
		{"unexpected types", `{"scripts": ["prepare"]}`, nil},
		{"husky", "{\"scripts\": {\n\"prepare\": \"husky\"}}", []string{found("package.json") + "prepare" + todo + "npm run prepare" + dev + ` | "prepare": "husky"}}`}},
		{"several", "{\"scripts\": {\"prepare\": \"tsc\",\n\"postinstall\": \"patch-package\"}}", []string{found("package.json") +
			"postinstall, prepare" + todo + "npm run postinstall" + dev + ` | "postinstall": "patch-package"}}`}},
		{"a workspace", `{"workspaces": ["w"]}`, []string{found("w/package.json") + "prepare" + todo + "npm --prefix w run prepare" + dev + ` | {"scripts": {"prepare": "tsc"}}`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			project := node("package.json", test.manifest, "w/package.json", `{"scripts": {"prepare": "tsc"}}`,
				"package-lock.json", `{"lockfileVersion": 3, "packages": {"": {}, "w": {}}}`)
			check(t, Input{Runtime: load(t, project), Project: project}, test.want...)
		})
	}
}

// TestPatchPackageScript: a script that is patch-package runs with the dependencies, if patch-package is among them.
func TestPatchPackageScript(t *testing.T) {
	const notApplied = "package.json ScriptsLeftOut: the patches of the project are not applied, because patch-package is not among the installed dependencies: " +
		"move it to dependencies, run npm install --package-lock-only, and commit both | "
	tests := []struct {
		name, scripts, field, more string
		want                       string // a part of the finding; empty: none
	}{
		{"a dependency", `{"postinstall": "patch-package"}`, "dependencies", "", ""},
		{"beside another script", `{"postinstall": "patch-package", "prepare": "husky"}`, "dependencies", "", "without the source: prepare. "},
		{"a development dependency", `{"postinstall": "patch-package"}`, "devDependencies", "", notApplied},
		{"an installed development dependency", `{"postinstall": "patch-package"}`, "devDependencies", "dependencies: {env: {NODE_ENV: development}}\n", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			project := node("package.json", `{"scripts": `+test.scripts+`, "`+test.field+`": {"patch-package": "8"}}`, "patches/a+1.0.0.patch", "",
				"runtime.yaml", "base: "+pinned+"\n"+test.more)
			got := strings.Join(inLines(scriptsLeftOut(Input{Runtime: load(t, project), Project: project})), "\n")
			if (test.want == "") != (got == "") || !strings.Contains(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
