package profile

import (
	"slices"
	"testing"
	"testing/fstest"
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
		{"a token", "", map[string]string{lock: "{}", ".npmrc": "//r.example.com/:_authToken=npm_abc"}, []string{packageJSON, lock}},
		{"a password", "", map[string]string{lock: "{}", ".npmrc": "//r.example.com/:_password = abc"}, []string{packageJSON, lock}},
		{"a login", "", map[string]string{lock: "{}", ".npmrc": "_auth=abc"}, []string{packageJSON, lock}},
		{"a password in a url", "", map[string]string{lock: "{}", ".npmrc": "registry=https://me:abc@r.example.com/"}, []string{packageJSON, lock}},
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
