package profile

import (
	"strings"
	"testing"

	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
)

// TestCommandByFilesOfTheImage shows that the default command runs a main file only if it gets into the image, or may be made there.
// A file that one developer has and another has not must not decide: it is ignored, so it is in no tag.
func TestCommandByFilesOfTheImage(t *testing.T) {
	tests := []struct {
		name, yaml string
		project    []string
		want       string
	}{
		{"in the source", "", []string{"dist/a.js", ""}, "node dist/a.js"},
		{"absent", "", nil, "node cli.js"},
		{"ignored", "ignore: [dist]", []string{"dist/a.js", ""}, "node cli.js"},
		{"ignored by .dockerignore", "", []string{"dist/a.js", "", ".dockerignore", "dist\n"}, "node cli.js"},
		{"not in source", "source: [{path: src}]", []string{"dist/a.js", "", "src/b.js", ""}, "node cli.js"},
		{"made by extra", "extra: npm run build", nil, "node dist/a.js"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			files := append([]string{"package-lock.json", "{}", "package.json", `{"main": "dist/a.js", "bin": "cli.js"}`, "cli.js", ""}, test.project...)
			r, err := Load(projecttest.Files(files...), Options{Base: "debian", Data: []byte(test.yaml)})
			projecttest.CheckError(t, err, "")
			if got := strings.Join(r.Cmd, " "); got != test.want {
				t.Errorf("the command is %q, want %q", got, test.want)
			}
		})
	}
}
