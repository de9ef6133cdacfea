package project

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rtbuild/rtbuild/internal/testenv/filetree"
)

// TestAbsoluteLinks: a link is relative, unless it is ignored. An absolute one leads into the context on this machine only.
func TestAbsoluteLinks(t *testing.T) {
	tests := []struct {
		name, target, ignore string
		refused              bool
	}{
		{"relative", "lib", "", false},
		{"absolute, into the context", "DIR/lib", "", true},
		{"absolute, to a file", "DIR/lib/a", "", true},
		{"absolute, to elsewhere", "/etc/hostname", "", true},
		{"absolute, to nothing", "/absent", "", false}, // it is left out, with a warning
		{"ignored", "DIR/lib/a", "ignore: [link]\n", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := filetree.Files{"package.json": "{}", "package-lock.json": "{}", "lib/a": "", "runtime.yaml": "base: debian:bookworm\n" + test.ignore}.Write(t, tempDir(t))
			if err := os.Symlink(strings.ReplaceAll(test.target, "DIR", dir), filepath.Join(dir, "link")); err != nil {
				t.Fatal(err)
			}
			p, err := Read(dir, Options{})
			if err != nil {
				t.Fatal(err)
			}
			err = p.ComputeTags(t.Context(), "")
			if (err != nil) != test.refused || err != nil && !strings.Contains(err.Error(), "link\nmake those to files of the context relative (ln -sr)") {
				t.Errorf("the error is %v", err)
			}
		})
	}
}
