package endpoints

import (
	"os"
	"path/filepath"
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
		{"npm", "package-lock.json", `{"resolved": "https://npm.example.com/a/-/a-1.tgz", "b": "git+ssh://git@example.com/b"}`, []string{"https://npm.example.com"}},
		{"a manifest", "package.json", `{"homepage": "https://example.com/x"}`, nil},
		{"poetry", "poetry.lock", "url = \"https://pypi.example.com/simple/\"\n", []string{"https://pypi.example.com"}},
		{"uv, with a mirror", "uv.lock", "{ url = \"https://files.example.com/packages/x.whl\", hash = \"\" }", []string{"http://mirror.example.com/files"}},
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
