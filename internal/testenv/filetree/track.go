package filetree

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/format/index"
)

// Track makes a directory a git repository without commits, which tracks the files with the given names.
func Track(t testing.TB, dir string, names ...string) {
	t.Helper()
	all := index.Index{Version: 2}
	for _, name := range names {
		all.Entries = append(all.Entries, &index.Entry{Name: name, Mode: filemode.Regular})
	}
	err := os.MkdirAll(filepath.Join(dir, ".git"), 0o755)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(filepath.Join(dir, ".git", "index"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := index.NewEncoder(file).Encode(&all); err != nil {
		t.Fatal(err)
	}
}
