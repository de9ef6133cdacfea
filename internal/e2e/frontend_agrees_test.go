package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rtbuild/rtbuild/internal/testenv/filetree"
)

// TestFrontendTags checks that client and frontend read the same of a project: their tags are equal.
func TestFrontendTags(t *testing.T) {
	t.Parallel()
	const packageJSON, lock = `{"name":"x","version":"1.0.0"}`, `{"name":"x","version":"1.0.0","lockfileVersion":3,"packages":{"":{"name":"x","version":"1.0.0"}}}`
	const workspaces = `{"name":"x","version":"1.0.0","workspaces":["packages/*"]}`
	tests := []struct {
		name    string
		file    string   // the runtime file
		lines   []string // of it
		context string   // what the client is given; the frontend gets the root
		files   map[string]string
		also    func(t *testing.T, dir string)
		fault   string // what both say; empty: they agree on tags
	}{
		{name: "a runtime file of another name", file: "other.yaml", files: map[string]string{"other.yml": "x"}},
		{name: "a runtime file in another directory", file: "deploy/other.yaml", files: map[string]string{"other.yaml": "no runtime file"}},
		{
			name: "a member of a workspace", file: "packages/agent/runtime.yaml", lines: []string{"directory: packages/agent"}, context: "packages/agent",
			files: map[string]string{
				"package.json": workspaces, "packages/agent/package.json": `{"name":"agent","version":"2.0.0","scripts":{"start":"node main.js"}}`, "packages/agent/main.js": "",
				"package-lock.json": `{"name":"x","version":"1.0.0","lockfileVersion":3,"packages":{"":` + workspaces +
					`,"node_modules/agent":{"resolved":"packages/agent","link":true},"packages/agent":{"name":"agent","version":"2.0.0"}}}`,
			},
			also: func(t *testing.T, dir string) { filetree.Track(t, dir, "packages/agent/package.json") },
		},
		{
			name: "paths and exceptions", file: "runtime.yaml",
			lines: []string{"source: [{path: src}, {path: docs}]", "ignore: ['docs/*', '!docs/api', 'src/**/*.log', '!src/keep.log', '!.env.example']"},
			files: map[string]string{
				"src/a.js": "", "src/b.log": "", "src/keep.log": "", "docs/x.md": "", "docs/api/y.md": "", "other/z": "", ".env.example": "A=", "src/.env.example": "B=", "src/.env": "C=",
			},
		},
		{
			name: "empty directories", file: "runtime.yaml", files: map[string]string{"full/a": ""},
			also: func(t *testing.T, dir string) {
				must(true, os.MkdirAll(filepath.Join(dir, "data", "empty"), 0o755))(t)
				must(true, os.Mkdir(filepath.Join(dir, "full", "empty"), 0o700))(t)
			},
		},
		{
			name: "links", file: "runtime.yaml", files: map[string]string{"lib/a": "", "lib/deep/b": ""},
			also: func(t *testing.T, dir string) { must(true, os.Symlink("lib", filepath.Join(dir, "relative")))(t) },
		},
		{
			name: "an absolute link into the context", file: "runtime.yaml", files: map[string]string{"lib/a": ""}, fault: "make those to files of the context relative (ln -sr)",
			also: func(t *testing.T, dir string) {
				must(true, os.Symlink(filepath.Join(dir, "lib"), filepath.Join(dir, "absolute")))(t)
			},
		},
	}
	base := must(pushProbeBase())(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := &project{dir: t.TempDir(), repository: env.registry.Host + "/" + repositoryOf(t)}
			p.runtimeFile(t, append(test.lines, "base: "+base, "repository: "+p.repository)...)
			if test.file != "runtime.yaml" {
				must(true, os.MkdirAll(filepath.Dir(filepath.Join(p.dir, test.file)), 0o755))(t)
				must(true, os.Rename(filepath.Join(p.dir, "runtime.yaml"), filepath.Join(p.dir, test.file)))(t)
			}
			write(t, p.dir, "package.json", packageJSON)
			write(t, p.dir, "package-lock.json", lock)
			for name, content := range test.files {
				write(t, p.dir, name, content)
			}
			if test.also != nil {
				test.also(t, p.dir)
			}
			args := []string{"tags", "--format", "json", filepath.Join(p.dir, test.context)}
			if test.context == "" {
				args = append(args, "-f", filepath.Join(p.dir, test.file))
			}
			if test.fault != "" {
				fromClient, fromFrontend := client(t, t.TempDir(), args...), buildx(t, p.dir, p.buildArgs("--target", "tags", "-o", "type=cacheonly")...)
				if !strings.Contains(fromClient.stderr, test.fault) || !strings.Contains(fromFrontend.stderr, test.fault) {
					t.Errorf("the client says\n%s\nthe frontend\n%s", fromClient.stderr, fromFrontend.stderr)
				}
				return
			}
			want := decode[planned](t, succeed(t, t.TempDir(), args...).stdout)
			if got := p.exported(t, "tags", "-f", filepath.Join(p.dir, test.file)); got.Source != want.Source || want.Source == "" {
				t.Errorf("the frontend says %s, the client %s", got.Source, want.Source)
			}
		})
	}
}
