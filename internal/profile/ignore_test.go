package profile

import (
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
	"github.com/rtbuild/rtbuild/tags"
)

// TestExceptionsForFilesOfVariables shows which files an exception takes into the image, though the profile ignores such files.
func TestExceptionsForFilesOfVariables(t *testing.T) {
	tests := []struct {
		name, ignored string // .dockerignore
		yaml          string
		want          []string
	}{
		{"none", "", "", nil},
		{"by its name", "!.env.example\n", "", []string{".env.example"}},
		{"in the runtime file", "", "ignore: ['!.env.example']", []string{".env.example"}},
		{"in all directories", "!**/.env.example\n", "", []string{".env.example", "a/.env.example"}},
		{"for production, with a finding", "!.env.production\n", "", []string{".env.production"}},
		{"secrets themselves", "!.env\n!.npmrc\n!.netrc\n", "", nil},
		{"a pattern", "!.env.*\n!**/.env*\n", "", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			root := projecttest.Tree(t, "package.json", "{}", "package-lock.json", "{}", ".dockerignore", test.ignored, "runtime.yaml", "base: debian\n"+test.yaml+"\n",
				".env", "", ".env.example", "", "a/.env.example", "", ".env.production", "", ".netrc", "")
			r, err := Load(os.DirFS(root), Options{})
			projecttest.CheckError(t, err, "")
			_, tree, err := tags.Compute(t.Context(), root, r.TagInputs())
			projecttest.CheckError(t, err, "")
			var got []string
			for _, e := range tree.Entries {
				if !e.Mode.IsDir() && !slices.Contains([]string{"package.json", "package-lock.json", ".dockerignore"}, e.Path) {
					got = append(got, e.Path)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
