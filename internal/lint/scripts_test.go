package lint

import "testing"

func TestScriptsLeftOut(t *testing.T) {
	const todo = ". If the image needs what they do, run them by extra, such as extra: "
	const dev = ". If they need development dependencies, set env: {NODE_ENV: development}, too"
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
