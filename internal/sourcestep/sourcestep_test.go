package sourcestep

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/rtbuild/rtbuild/tags"
)

// source makes a tree and scans it.
func source(t *testing.T, make func(t *testing.T, root string)) *tags.Tree {
	t.Helper()
	root := t.TempDir()
	write(t, root, "a", 0o644)
	write(t, root, "dir/run", 0o755)
	if make != nil {
		make(t, root)
	}
	tree, err := tags.Scan(t.Context(), root, tags.Source{
		Paths: []tags.Path{{Path: ".", Hash: true}}, Ignore: []string{"ignored"}, Confined: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func write(t *testing.T, root, name string, mode fs.FileMode) {
	t.Helper()
	file := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(name), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, mode); err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, root, target, name string) {
	t.Helper()
	if err := os.Symlink(target, filepath.Join(root, name)); err != nil {
		t.Fatal(err)
	}
}

func TestExact(t *testing.T) {
	tests := []struct {
		name string
		make func(t *testing.T, root string)
		want bool
	}{
		{"files and directories", nil, true},
		{"a link that stays one", func(t *testing.T, root string) { link(t, root, "dir/run", "link") }, true},
		{"modes of a narrow umask", func(t *testing.T, root string) { write(t, root, "narrow", 0o600) }, true},
		{"what is ignored", func(t *testing.T, root string) { write(t, root, "ignored", 0o644) }, false},
		{"a link to what is ignored", func(t *testing.T, root string) {
			write(t, root, "ignored", 0o644)
			link(t, root, "ignored", "link")
		}, false},
		{"a link to nothing", func(t *testing.T, root string) { link(t, root, "gone", "link") }, false},
		{"an empty directory", func(t *testing.T, root string) {
			if err := os.Mkdir(filepath.Join(root, "empty"), 0o755); err != nil {
				t.Fatal(err)
			}
		}, false},
		{"what only its group may execute", func(t *testing.T, root string) { write(t, root, "group", 0o654) }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := isExact(source(t, tt.make))
			if err != nil || got != tt.want {
				t.Errorf("got %t, %v", got, err)
			}
		})
	}
}

// What is materialized is scanned as the same tree, and is exact.
func TestMaterialize(t *testing.T) {
	tree := source(t, func(t *testing.T, root string) {
		write(t, root, "ignored", 0o644)
		link(t, root, "ignored", "link")
		link(t, root, "dir/run", "run")
		write(t, root, "group", 0o654)
	})
	dir := t.TempDir()
	if err := materialize(t.Context(), tree, dir); err != nil {
		t.Fatal(err)
	}
	again, err := tags.Scan(t.Context(), dir, tags.Source{Paths: []tags.Path{{Path: ".", Hash: true}}, Confined: true})
	if err != nil || again.Copied != tree.Copied {
		t.Fatalf("got %v, %v, want %s", again, err, tree.Copied)
	}
	if exact, err := isExact(again); err != nil || !exact {
		t.Errorf("got %t, %v", exact, err)
	}
}

func TestReport(t *testing.T) {
	dir := t.TempDir()
	tree := source(t, func(t *testing.T, root string) { link(t, root, "dir/run", "link") })
	if err := report(tree, []string{"a", "link", "dir", "gone"}, dir); err != nil {
		t.Fatal(err)
	}
	var got Report
	var paths []string
	for name, into := range map[string]any{ReportFile: &got, PathsFile: &paths} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err == nil {
			err = json.Unmarshal(data, into)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if want := map[string]string{"a": fmt.Sprintf("%x", sha256.Sum256([]byte("a")))}; !maps.Equal(got.Digests, want) {
		t.Errorf("the digests are %v, want %v", got.Digests, want)
	}
	if !got.Exact || got.Tree.Copied == "" || got.Tree.Entries != nil || !slices.Equal(paths, []string{"a", "dir/run", "link"}) {
		t.Errorf("got %+v, paths %v", got, paths)
	}
}

func TestRun(t *testing.T) {
	for _, tt := range []struct {
		args []string
		step bool
	}{{nil, false}, {[]string{"hash"}, false}, {[]string{"other", "{}"}, false}, {[]string{"hash", "{}"}, true}, {[]string{"materialize", "{}"}, true}} {
		if IsStep(tt.args) != tt.step {
			t.Errorf("%q: got %t", tt.args, !tt.step)
		}
	}
	if err := Run(t.Context(), []string{"hash", "{"}); err == nil {
		t.Error("a source that is no JSON is no error")
	}
}
