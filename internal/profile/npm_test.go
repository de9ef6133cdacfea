package profile

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
)

// TestNPMFiles checks which files npm ci gets.
func TestNPMFiles(t *testing.T) {
	const packageJSON, shrinkwrap, lock = "package.json", "npm-shrinkwrap.json", "package-lock.json"
	tests := []struct {
		name    string
		runtime string
		files   map[string]string
		want    []string
	}{
		{"a lock file", "", map[string]string{lock: "{}"}, []string{packageJSON, lock}},
		{"a shrinkwrap", "", map[string]string{shrinkwrap: "{}"}, []string{packageJSON, shrinkwrap}},
		{"both, as npm prefers", "", map[string]string{shrinkwrap: "{}", lock: "{}"}, []string{packageJSON, shrinkwrap}},
		{"a shrinkwrap and the manager", "dependencies: {manager: npm}", map[string]string{shrinkwrap: "{}"}, []string{packageJSON, shrinkwrap}},
		{"an archive", "", map[string]string{lock: `{"packages": {"node_modules/a": {"resolved": "file:vendor/a.tgz"}}}`, "vendor/a.tgz": "x"}, []string{packageJSON, lock, "vendor/a.tgz"}},
		{"an archive that is absent", "", map[string]string{lock: `{"packages": {"node_modules/a": {"resolved": "file:../a.tgz"}, "node_modules/b": {"resolved": "file:b.tgz"}}}`}, []string{packageJSON, lock}},
		{"a directory", "", map[string]string{lock: `{"packages": {"node_modules/a": {"resolved": "libs/a", "link": true}}}`, "libs/a/package.json": "{}"}, []string{packageJSON, lock, "libs/a/package.json"}},
		{"settings", "", map[string]string{lock: "{}", ".npmrc": "legacy-peer-deps=true"}, []string{packageJSON, lock, ".npmrc"}},
		{"settings and listed files", "dependencies: {files: [package.json, package-lock.json, .npmrc]}",
			map[string]string{lock: "{}", ".npmrc": "legacy-peer-deps=true"}, []string{packageJSON, lock, ".npmrc"}},
		{"a variable", "", map[string]string{lock: "{}", ".npmrc": "//r.example.com/:_authToken=${NPM_TOKEN}"}, []string{packageJSON, lock, ".npmrc"}},
		{"a quoted variable", "", map[string]string{lock: "{}", ".npmrc": "//r.example.com/:_authToken=\"${NPM_TOKEN}\""}, []string{packageJSON, lock, ".npmrc"}},
		{"a token that .dockerignore leaves out", "", map[string]string{lock: "{}", ".npmrc": "_authToken=abc", ".dockerignore": ".npmrc"}, []string{packageJSON, lock}},
		{"a token that the file leaves out", "ignore: ['**/.npmrc']", map[string]string{lock: "{}", ".npmrc": "_authToken=abc"}, []string{packageJSON, lock}},
		{"patches", "", map[string]string{lock: "{}", packageJSON: `{"scripts": {"postinstall": "patch-package"}, "dependencies": {"patch-package": "8"}}`, "patches/a.patch": ""}, []string{packageJSON, lock, "patches/a.patch"}},
		{"patches that are not applied", "", map[string]string{lock: "{}", packageJSON: `{"scripts": {"postinstall": "patch-package"}, "devDependencies": {"patch-package": "8"}}`, "patches/a.patch": ""}, []string{packageJSON, lock}},
		{"patches, by a development dependency", "dependencies: {env: {NODE_ENV: development}}", map[string]string{lock: "{}", packageJSON: `{"scripts": {"postinstall": "patch-package"}, "devDependencies": {"patch-package": "8"}}`, "patches/a.patch": ""}, []string{packageJSON, lock, "patches/a.patch"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			fsys := fstest.MapFS{packageJSON: {Data: []byte("{}")}, "runtime.yaml": {Data: []byte("base: debian:bookworm\n" + test.runtime)}}
			for name, data := range test.files {
				fsys[name] = &fstest.MapFile{Data: []byte(data)}
			}
			r, err := Load(fsys, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(r.Dependencies.Files, test.want) {
				t.Errorf("got %v, want %v", r.Dependencies.Files, test.want)
			}
		})
	}
}

// TestNPMSecretIsRefused shows that a secret in npm's settings is an error, which does not print it. Left out in silence, npm would be
// denied by the registry, and nobody would know why.
func TestNPMSecretIsRefused(t *testing.T) {
	const want = ": it holds a secret, and everybody who can pull the deps image could read it: write ${NPM_TOKEN} or another variable instead, or leave the file out " +
		"by a line .npmrc in .dockerignore; and pass the file with the login by --secret id=npmrc,src=FILE"
	listed := "dependencies: {files: [package.json, package-lock.json, .npmrc]}"
	tests := []struct{ name, runtime, settings, want string }{
		{"a token", "", "fund=false\n//r.example.com/:_authToken=HUNTER2", ".npmrc:2" + want},
		{"a quoted token", "", "_authToken='HUNTER2'", ".npmrc:1" + want},
		{"a password", "", "\n\n//r.example.com/:_password = HUNTER2\n", ".npmrc:3" + want},
		{"a login", "", "_auth=HUNTER2", ".npmrc:1" + want},
		{"a password in a url", "", "registry=https://me:HUNTER2@r.example.com/", ".npmrc:1" + want},
		{"a key", "", "//r.example.com/:key=\"-----BEGIN PRIVATE KEY-----HUNTER2\"", ".npmrc:1" + want},
		{"a token in a listed file", listed, "_authToken=HUNTER2", ".npmrc:1" + want},
		{"a token in a listed file that is ignored", listed + "\nignore: [.npmrc]", "_authToken=HUNTER2", ".npmrc:1" + want},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			project := projecttest.Files("package.json", "{}", "package-lock.json", "{}", ".npmrc", test.settings)
			_, err := Load(project, Options{Base: "debian", Data: []byte(test.runtime)})
			projecttest.CheckError(t, err, test.want)
			if err != nil && strings.Contains(fmt.Sprintf("%v %+v", err, err), "HUNTER2") {
				t.Errorf("the secret is shown: %v", err)
			}
		})
	}
}
