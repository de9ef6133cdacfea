package profile

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
)

// TestBuildCommand checks which command makes files of the source, and what of it is in which tag.
func TestBuildCommand(t *testing.T) {
	npm, shell := []string{"npm", "run", "build"}, func(line string) []string { return []string{"/bin/sh", "-c", line} }
	const started = `"scripts": {"build": "tsc", "start": "node dist/a.js"}`
	for _, tt := range []struct {
		name, yaml, manifest string
		files                []string
		want                 []string
		lock, source         string // JSON
		wantErr              string
	}{
		{name: "the start script's file is missing", manifest: started, want: npm, lock: `{}`, source: `{"build":{"run":["npm","run","build"]}}`},
		{name: "npm is refused", manifest: started + `, "devEngines": {"packageManager": {"name": "pnpm", "version": "10"}}`, want: []string{"npm", "--force", "run", "build"},
			lock: `{}`, source: `{"build":{"run":["npm","--force","run","build"]}}`},
		{name: "it is there", manifest: started, files: []string{"dist/a.js", ""}, lock: `{}`, source: `{}`},
		{name: "it is there, and ignored", manifest: started, files: []string{"dist/a.js", "", ".dockerignore", "dist"}, want: npm, lock: `{}`,
			source: `{"build":{"run":["npm","run","build"]}}`},
		{name: "an extra command makes it", yaml: "extra: npm run build", manifest: started, lock: `{}`, source: `{"extra":"npm run build"}`},
		{name: "it is turned off", yaml: "build: none", manifest: started, lock: `{}`, source: `{}`},
		{name: "there is no script", manifest: `"scripts": {"start": "node dist/a.js"}`, lock: `{}`, source: `{}`},
		{name: "the file's own", yaml: "build: make", manifest: started, want: shell("make"), lock: `{}`, source: `{"build":{"run":["/bin/sh","-c","make"]}}`},
		{name: "the file's own packages", yaml: "build: {packages: [g++]}", manifest: started, files: []string{"dist/a.js", ""}, want: npm,
			lock: `{"build":{"packages":["g++"]}}`, source: `{"build":{"run":["npm","run","build"]}}`},
		{name: "all fields", yaml: "build: {run: [make], packages: {apt: [g++]}, outputs: [lib], network: default, env: {A: b}}", manifest: started, want: []string{"make"},
			lock: `{"build":{"packages":{"apt":["g++"]}}}`, source: `{"build":{"env":{"A":"b"},"network":true,"outputs":["lib"],"run":["make"]}}`},
		{name: "the given command's file is missing", yaml: "cmd: [node, dist/b.js]", manifest: started, files: []string{"dist/a.js", ""}, want: npm,
			lock: `{}`, source: `{"build":{"run":["npm","run","build"]}}`},
		{name: "packages, and no command", yaml: "build: {packages: [g++]}", manifest: `"main": "a.js"`, files: []string{"a.js", ""},
			lock: `{"build":{"packages":["g++"]}}`, source: `{}`},
		{name: "no field", yaml: "build: {}", manifest: `"main": "a.js"`,
			wantErr: "runtime.yaml:2:1: build names no command, and the project has none of its own: write run: COMMAND below build"},
		{name: "no command", yaml: "build: {outputs: [lib]}", manifest: `"main": "a.js"`,
			wantErr: "runtime.yaml:2:1: build names no command, and the project has none of its own: write run: COMMAND below build"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			project := projecttest.Files(append(tt.files, "package-lock.json", "{}", "package.json", "{"+tt.manifest+"}", "runtime.yaml", "base: debian\n"+tt.yaml+"\n")...)
			r, err := Load(project, Options{})
			projecttest.CheckError(t, err, tt.wantErr)
			if err != nil {
				return
			}
			var run []string
			if r.Build != nil {
				run = r.Build.Run
			}
			in := r.TagInputs()
			delete(in.SourceExtra, "cmd") // see TestCommand
			if diff := cmp.Diff(tt.want, run) + cmp.Diff(tt.lock, canonical(t, in.LockExtra)) + cmp.Diff(tt.source, canonical(t, in.SourceExtra)); diff != "" {
				t.Error(diff)
			}
			if r.DetectsBuild() != (r.Build != nil && !strings.HasPrefix(tt.yaml, "build:")) || in.Build != (r.Build != nil) || r.RunsOnSource() != (in.Build || r.Extra != "") || (r.Image().Build != nil) != in.Build {
				t.Errorf("the tags have a build image: %t", in.Build)
			}
		})
	}
}
