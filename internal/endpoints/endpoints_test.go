package endpoints

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rtbuild/rtbuild/internal/imagebuild"
	"github.com/rtbuild/rtbuild/internal/profile"
	"github.com/rtbuild/rtbuild/internal/project"
	"github.com/rtbuild/rtbuild/tags"
)

func TestInLockFiles(t *testing.T) {
	tests := []struct {
		name, file, text string
		want             []string
	}{
		{"npm", "package-lock.json", `{"packages": {"node_modules/a": {"resolved": "https://npm.example.com/a/-/a-1.tgz", "funding": {"url": "https://fund.example.com/a"}, "deprecated": "see https://docs.example.com/a"}}}`,
			[]string{"https://npm.example.com"}},
		{"git repositories of npm", "package-lock.json", `{"packages": {"node_modules/a": {"resolved": "git+ssh://git@git.example.com/x/a.git#abc"}}}`, []string{"ssh://git.example.com"}},
		{"git repositories of npm's first lock files", "npm-shrinkwrap.json", `{"dependencies": {"a": {"version": "git+https://git.example.com/x/a.git#abc", "from": "a@git+https://other.example.com/x"}}}`, []string{"https://git.example.com"}},
		{"an addon", "package-lock.json", "{\"packages\": {\n    \"node_modules/node-gyp\": {}}}", []string{"https://nodejs.org"}},
		{"pnpm", "pnpm-lock.yaml", "packages:\n  a@1:\n    resolution: {tarball: 'https://npm.example.com/a.tgz'}\n    deprecated: see https://docs.example.com/a\n" +
			"  b@https://codeload.example.com/b/tar.gz/abc:\n    resolution: {repo: https://git.example.com/b.git, commit: abc, type: git}\n", []string{"https://git.example.com", "https://npm.example.com"}},
		{"yarn", "yarn.lock", "# see https://docs.example.com/x\nnode-gyp@^9:\n  resolved \"https://npm.example.com/node-gyp.tgz#abc\"\n\"a@git+https://git.example.com/a.git\":\n",
			[]string{"https://npm.example.com", "https://git.example.com", "https://nodejs.org"}},
		{"yarn berry", "yarn.lock", "  resolution: \"a@https://git.example.com/a.git#commit=abc\"\n", []string{"https://git.example.com"}},
		{"git repositories of uv", "uv.lock", "source = { git = \"https://git.example.com/a?rev=v1#abc\" }\n", []string{"https://git.example.com"}},
		{"git repositories of pip", "requirements.txt", "a @ git+ssh://git@git.example.com/a.git@abc # via https://docs.example.com/a\n# https://docs.example.com/b\n", []string{"ssh://git.example.com"}},
		{"a manifest", "package.json", `{"homepage": "https://example.com/x"}`, nil},
		{"poetry", "poetry.lock", "description = \"see https://docs.example.com/a\"\nurl = \"https://pypi.example.com/simple/\"\n", []string{"https://pypi.example.com"}},
		{"uv, with a mirror", "uv.lock", "sdist = { url = \"https://files.example.com/packages/x.whl\", hash = \"\" }", []string{"http://mirror.example.com/files"}},
		{"pip", "requirements.txt", "--index-url https://user:secret@pypi.example.com/simple/\nx @ https://example.com/x.whl\n", []string{"https://pypi.example.com", "https://example.com"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, test.file), []byte(test.text), 0o644); err != nil {
				t.Fatal(err)
			}
			p := &project.Project{
				Root: dir, Files: os.DirFS(dir), Tree: &tags.Tree{LockFiles: []tags.Entry{{Path: test.file}}},
				Runtime: &profile.Runtime{Mirrors: map[string]string{"https://files.example.com": "http://mirror.example.com/files"}},
			}
			var got []string
			for _, c := range inLockFiles(p) {
				got = append(got, c.Address)
			}
			if strings.HasPrefix(test.name, "pnpm") {
				slices.Sort(got) // of a map
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestGroup: an address with several uses is listed once.
func TestGroup(t *testing.T) {
	all := []imagebuild.Endpoint{{Address: "https://b", For: "1"}, {Address: "https://a", For: "2"}, {Address: "https://b", For: "3"}, {Address: "https://b", For: "1"}}
	want := []Use{{"https://a", []string{"2"}}, {"https://b", []string{"1", "3"}}}
	if diff := cmp.Diff(want, group(all)); diff != "" {
		t.Error(diff)
	}
	if got := group(nil); got == nil || len(got) != 0 {
		t.Errorf("got %v, want a list that JSON shows as empty", got)
	}
}
