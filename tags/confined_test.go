package tags

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestConfined checks that links leading out of a copied context are not followed to whatever surrounds the copy.
func TestConfined(t *testing.T) {
	tests := []struct {
		name, link      string
		outside, broken []string
		copied          []string
	}{
		{"same directory", "b", nil, nil, []string{"a", "b", "dir", "dir/c"}},
		{"file in a subdirectory", "dir/c", nil, nil, []string{"a", "b", "dir", "dir/c"}},
		{"directory", "dir", nil, nil, []string{"a", "b", "dir", "dir/c"}},
		{"down and up again", "dir/../b", nil, nil, []string{"a", "b", "dir", "dir/c"}},
		{"missing target", "gone", nil, []string{"a"}, []string{"b", "dir", "dir/c"}},
		{"upwards", "../beside", []string{"a"}, nil, []string{"b", "dir", "dir/c"}},
		{"upwards, missing target", "../gone", []string{"a"}, nil, []string{"b", "dir", "dir/c"}},
		{"absolute", "/etc/hostname", []string{"a"}, nil, []string{"b", "dir", "dir/c"}},
		{"through another link", "dir/out", []string{"a", "dir/out"}, nil, []string{"b", "dir", "dir/c"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			above := t.TempDir()
			root := filepath.Join(above, "root")
			must(t, os.MkdirAll(filepath.Join(root, "dir"), 0o755))
			for _, file := range []string{"beside", "root/b", "root/dir/c"} {
				must(t, os.WriteFile(filepath.Join(above, file), []byte("x"), 0o644))
			}
			must(t, os.Symlink(tt.link, filepath.Join(root, "a")))
			if tt.link == "dir/out" {
				must(t, os.Symlink("../../beside", filepath.Join(root, "dir/out")))
			}
			got, err := Scan(t.Context(), root, Source{Paths: wholeTree.Paths, Confined: true})
			must(t, err)
			var copied []string
			for _, e := range got.Entries {
				copied = append(copied, e.Path)
			}
			// The copy may contain a linked directory's entries; this test looks only at the link's name.
			copied = slices.DeleteFunc(copied, func(p string) bool { return filepath.Dir(p) == "a" })
			if !slices.Equal(copied, tt.copied) || !slices.Equal(got.Outside, tt.outside) || !slices.Equal(got.Broken, tt.broken) {
				t.Errorf("got %v, outside %v, broken %v", copied, got.Outside, got.Broken)
			}
		})
	}
}
