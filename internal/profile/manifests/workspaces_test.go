package manifests

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
	"github.com/rtbuild/rtbuild/tags/contextfs"
)

// counting is a project that counts how many of its directories are read.
type counting struct {
	*contextfs.FS
	read *int
}

func (c counting) ReadDir(name string) ([]fs.DirEntry, error) {
	*c.read++
	return c.FS.ReadDir(name)
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
		{"a link to a file", "*/*", []string{"f", "", "a", "->f"}, nil, 2},
		{"a file", "f/x", []string{"f", ""}, nil, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			read := 0
			project := counting{projecttest.Confined(t, append(test.project, PackageJSON, fmt.Sprintf(`{"workspaces": [%q]}`, test.patterns))...), &read}
			got, err := WorkspaceManifests(project)
			if diff := cmp.Diff(test.want, got); diff != "" || err != nil || read > test.most {
				t.Errorf("%d directories read, %d at most\n%v\n%s", read, test.most, err, diff)
			}
		})
	}
}

// TestWorkspacesTooMany shows where the search ends.
func TestWorkspacesTooMany(t *testing.T) {
	const hint = ": list the workspaces' package.json under dependencies.files"
	patterns := func(n int, pattern string) string {
		return fmt.Sprintf(`{"workspaces": [%s]}`, strings.Join(slices.Repeat([]string{strconv.Quote(pattern)}, n), ","))
	}
	const entries = 1 + maxNames/maxPatterns
	wide := []string{"a/package.json", ""}
	for i := range entries {
		wide = append(wide, fmt.Sprintf("f%d", i), "")
	}
	tests := []struct{ name, manifest, want string }{
		{"as many patterns as may be", patterns(maxPatterns, "a"), ""},
		{"patterns", patterns(maxPatterns+1, "a"), "package.json: there are 1001 workspace patterns, and the limit is 1000" + hint},
		{"entries", patterns(maxPatterns, "*"), "package.json: the patterns of workspaces are compared with more than 1000000 files and directories" + hint},
		{"directories", patterns(maxPatterns, "a"+strings.Repeat("/a", maxVisits/maxPatterns)), "package.json: the patterns of workspaces lead to more than 100000 directories" + hint},
		{"outside", patterns(1, "../lib"), `package.json: the workspace "../lib" is outside of the project: build from the directory that holds all members`},
		{"outside, in the end", patterns(1, "./a/../../*"), `package.json: the workspace "./a/../../*" is outside of the project: build from the directory that holds all members`},
		{"a long pattern", patterns(1, strings.Repeat("a/", 3000)), `package.json: the pattern "` + strings.Repeat("a/", 40) + `..." of workspaces is not understood` + hint},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := WorkspaceManifests(projecttest.Files(append(wide, PackageJSON, test.manifest)...))
			projecttest.CheckError(t, err, test.want)
		})
	}
}

// TestADirectoryIsListedOnceForAllPatterns counts what is read of a project by many patterns.
func TestADirectoryIsListedOnceForAllPatterns(t *testing.T) {
	read := 0
	many := strings.Repeat(`"*/*",`, maxPatterns-1) + `"**"`
	project := counting{projecttest.Confined(t, "a/b/package.json", "{}", PackageJSON, `{"workspaces": [`+many+`]}`), &read}
	got, err := WorkspaceManifests(project)
	if diff := cmp.Diff([]string{"a/b/package.json"}, got); diff != "" || err != nil || read > 3 {
		t.Errorf("%d directories read\n%v\n%s", read, err, diff)
	}
}

// TestWorkspacesBehindLinks shows that a link is followed as long as it stays in the context, also if it is absolute. One that leaves is
// named: a lock tag would not stand for what lies there.
func TestWorkspacesBehindLinks(t *testing.T) {
	const leaves = "w/a: a link leads out of the context, and nothing is read there: copy what it points to into the context"
	tests := []struct{ name, pattern, link, want, err string }{
		{"relative", "w/*", "../real/a", "w/a/package.json", ""},
		{"absolute, within", "w/*", "$ROOT/real/a", "w/a/package.json", ""},
		{"absolute, within, by its name", "w/a", "$ROOT/real/a", "w/a/package.json", ""},
		{"absolute, within, by way of a link", "w/a", "$ROOT/again/a", "w/a/package.json", ""},
		{"out and in again", "w/*", "../../in/real/a", "w/a/package.json", ""},
		{"nothing", "w/*", "../none", "", ""},
		{"nothing, absolute", "w/*", "$ROOT/none", "", ""},
		{"upwards", "w/*", "../../outside/a", "", leaves},
		{"upwards, by its name", "w/a", "../../outside/a", "", leaves},
		{"upwards, in the middle", "w/a/a", "../../outside", "", leaves},
		{"absolute, outside", "w/*", "$ROOT/../outside/a", "", leaves},
		{"nothing outside", "w/*", "../../none", "", leaves},
		{"the directory above", "w/*", "../..", "", leaves},
		{"the root", "w/*", "/", "", leaves},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			above := projecttest.Tree(t, "in/real/a/package.json", "{}", "in/again", "->real", "in/w/", "", "outside/a/package.json", "{}",
				"in/package.json", fmt.Sprintf(`{"workspaces": [%q]}`, test.pattern))
			root := filepath.Join(above, "in")
			projecttest.Must(t, os.Symlink(strings.ReplaceAll(test.link, "$ROOT", root), filepath.Join(root, "w/a")))
			project, err := contextfs.New(root)
			projecttest.Must(t, err)
			got, err := WorkspaceManifests(project)
			if strings.Join(got, " ") != test.want || (err == nil) != (test.err == "") || err != nil && err.Error() != test.err {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}
