package tags

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestIgnore(t *testing.T) {
	tests := []struct {
		name   string
		ignore []string
		paths  []string // source paths; "." if none
		tree   []string // files
		want   []string // files that are not ignored
	}{
		{
			name: "nothing",
			tree: []string{".git/HEAD", "__pycache__/x", "a.pyc"},
			want: []string{".git/HEAD", "__pycache__/x", "a.pyc"},
		}, {
			name:   "names at any depth",
			ignore: []string{"**/node_modules", "**/*.pyc", ".git"},
			tree:   []string{"a/node_modules/x", "node_modules/y", "b.pyc", "c/d.pyc", ".git/HEAD", "sub/.git/HEAD", "k"},
			want:   []string{"k", "sub/.git/HEAD"},
		}, {
			name:   "comments, spaces, and a leading slash",
			ignore: []string{"# a", "", "  b  ", "/c"},
			tree:   []string{"a", "b", "c", "d/b"},
			want:   []string{"a", "d/b"},
		}, {
			name:   "negation below an ignored directory",
			ignore: []string{"a", "!a/b/keep", "!*/*/c.md"},
			tree:   []string{"a/x", "a/b/keep", "a/b/c.md", "a/b/drop", "a/bb/y", "z"},
			want:   []string{"a/b/c.md", "a/b/keep", "z"},
		}, {
			name:   "negation at any depth",
			ignore: []string{"a", "!**/keep"},
			tree:   []string{"a/b/c/keep", "a/b/c/drop", "keep"},
			want:   []string{"a/b/c/keep", "keep"},
		}, {
			name:   "negation of a directory that contains an ignored one",
			ignore: []string{"!a", "a/b"},
			tree:   []string{"a/b/c", "a/d"},
			want:   []string{"a/d"},
		}, {
			name:   "the last pattern wins",
			ignore: []string{"!a/x", "a"},
			tree:   []string{"a/x", "b"},
			want:   []string{"b"},
		}, {
			name:   "a source path below an ignored directory",
			ignore: []string{"a", "!a/b/keep"},
			paths:  []string{"a/b", "a/c", "d"},
			tree:   []string{"a/b/keep", "a/b/drop", "a/c/x", "d/y"},
			want:   []string{"a/b/keep", "d/y"},
		}, {
			name:   "source paths that are ignored files",
			ignore: []string{"*.log"},
			paths:  []string{"x.log", "y.txt"},
			tree:   []string{"x.log", "y.txt"},
			want:   []string{"y.txt"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			src := Source{Ignore: tt.ignore}
			if tt.paths == nil {
				tt.paths = []string{"."}
			}
			for _, p := range tt.paths {
				src.Paths = append(src.Paths, Path{Path: p, Hash: true})
			}
			var entries []entry
			for _, p := range tt.tree {
				entries = append(entries, file(p, p))
			}
			_, got, err := Compute(t.Context(), tree(t, entries...), Inputs{Base: "debian", Source: src})
			must(t, err)
			files := slices.DeleteFunc(list(got), func(s string) bool { return strings.HasSuffix(s, "/") })
			slices.Sort(files)
			if diff := cmp.Diff(tt.want, files); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestIgnoredLinks checks links whose names are ignored, or would be ignored if they were directories.
func TestIgnoredLinks(t *testing.T) {
	root := tree(t, file("d/x", "1"), link("skip", "skip"), link("l.pyc", "nowhere"), link(".d", "d"), link(".f", "d/x"))
	_, got, err := Compute(t.Context(), root, Inputs{Base: "debian", Source: Source{Paths: wholeTree.Paths, Ignore: []string{"skip", "l*"}}})
	must(t, err)
	if diff := cmp.Diff([]string{".d -> d", ".f -> d/x", "d/", "d/x"}, list(got)); diff != "" {
		t.Error(diff)
	}
	must(t, os.Remove(filepath.Join(root, "skip")))
	_, got, err = Compute(t.Context(), root, Inputs{Base: "debian", Source: Source{Paths: wholeTree.Paths, Original: true}})
	must(t, err)
	if diff := cmp.Diff([]string{".f -> d/x", "d/", "d/x"}, list(got)); diff != "" || got.Warnings != nil {
		t.Error(diff, got.Warnings)
	}
}

// TestIgnoredDirectoriesAreNotEntered puts errors into ignored directories, which listing them would find.
func TestIgnoredDirectoriesAreNotEntered(t *testing.T) {
	root := tree(t, file("a", "1"), link("x/loop", "loop"), link("y/keep/loop", "loop"))
	src := Source{Paths: wholeTree.Paths, Ignore: []string{"x", "y", "!y/kept"}}
	if _, _, err := Compute(t.Context(), root, Inputs{Base: "debian", Source: src}); err != nil {
		t.Error(err)
	}
}
