package profile

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// counting is a project that counts how many of its directories are read.
type counting struct {
	rootFS
	read *int
}

func (c counting) ReadDir(name string) ([]fs.DirEntry, error) {
	*c.read++
	return c.rootFS.ReadDir(name)
}

// tree makes a directory. A name that ends in "/" is a directory, a content that begins with "->" a link.
func tree(t testing.TB, nameContent ...string) string {
	t.Helper()
	root := t.TempDir()
	for i := 0; i < len(nameContent); i += 2 {
		name, content := filepath.Join(root, nameContent[i]), nameContent[i+1]
		dir := filepath.Dir(name)
		if strings.HasSuffix(nameContent[i], "/") {
			dir = name
		}
		err := os.MkdirAll(dir, 0o755)
		target, link := strings.CutPrefix(content, "->")
		switch {
		case err != nil, dir == name:
		case link:
			err = os.Symlink(target, name)
		default:
			err = os.WriteFile(name, []byte(content), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func confinedDir(t testing.TB, nameContent ...string) rootFS {
	t.Helper()
	project, err := Confined(tree(t, nameContent...))
	if err != nil {
		t.Fatal(err)
	}
	return project.(rootFS)
}

// TestWorkspacesWithinBounds shows that no pattern takes more steps than the tree has directories, times the pattern's
// components, and that links lead where npm's do.
func TestWorkspacesWithinBounds(t *testing.T) {
	deep := strings.Repeat("d/", 24)
	links := []string{"a/package.json", "{}", "l", "->.", "m", "->."}
	tests := []struct {
		name     string
		patterns string
		project  []string
		want     []string
		most     int // directories read
	}{
		{"** ten times in a deep tree", strings.Repeat("**/", 10) + "x", []string{deep + "x/package.json", "{}"}, []string{deep + "x/package.json"}, 30},
		{"**, and * between, ten times", strings.Repeat("**/*/", 10) + "x", []string{deep + "x/package.json", "{}"}, []string{deep + "x/package.json"}, 20 * 26},
		{"links to their own directory", strings.Repeat("*/", 21) + "*", links, []string{strings.Repeat("l/", 21) + "a/package.json"}, 2 * 22},
		{"a name that is a link to its own directory", strings.Repeat("l/", 1000) + "a", links, []string{strings.Repeat("l/", 1000) + "a/package.json"}, 0},
		{"a link is followed by *", "*", []string{"v/w/package.json", "{}", "p", "->v/w"}, []string{"p/package.json"}, 1},
		{"a link is followed by its name", "p/*", []string{"v/w/package.json", "{}", "p", "->v"}, []string{"p/w/package.json"}, 1},
		{"a link is not followed by **", "**", []string{"v/w/package.json", "{}", "p", "->v"}, []string{"v/w/package.json"}, 3},
		{"a link behind a link", "p/x", []string{"v/w/package.json", "{}", "q", "->v", "v/x", "->../q/w", "p", "->./q"}, []string{"p/x/package.json"}, 0},
		{"links in a circle", "*", []string{"a", "->b", "b", "->a", "c", "->c/d"}, nil, 1},
		{"a link that leaves", "*", []string{"a", "->..", "b", "->/", "c", "->../.."}, nil, 1},
		{"a link to a file", "*/*", []string{"f", "", "a", "->f"}, nil, 2},
		{"a file", "f/x", []string{"f", ""}, nil, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			read := 0
			project := counting{confinedDir(t, append(test.project, packageJSON, fmt.Sprintf(`{"workspaces": [%q]}`, test.patterns))...), &read}
			got, err := workspaceManifests(project)
			if diff := cmp.Diff(test.want, got); diff != "" || err != nil || read > test.most {
				t.Errorf("%d directories read, %d at most\n%v\n%s", read, test.most, err, diff)
			}
		})
	}
}

// TestWorkspacesTooMany shows where the search ends.
func TestWorkspacesTooMany(t *testing.T) {
	const hint = ": list the workspaces' package.json under dependencies.files"
	many := `"*"` + strings.Repeat(`,"*"`, maxVisits)
	tests := []struct{ name, patterns, want string }{
		{"patterns", many, "package.json: the patterns of workspaces lead to more than 100000 directories" + hint},
		{"a long pattern", `"` + strings.Repeat("a/", 3000) + `"`, `package.json: the pattern "` + strings.Repeat("a/", 40) + `..." of workspaces is not understood` + hint},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := workspaceManifests(files(packageJSON, `{"workspaces": [`+test.patterns+`]}`, "a/package.json", ""))
			checkError(t, err, test.want)
		})
	}
}
