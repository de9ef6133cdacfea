package main

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra/doc"
)

// The flags with which make release writes the man pages.
var (
	manDir  = flag.String("man", "", "write the man pages to this directory")
	manDate = flag.Int64("man-date", 0, "date of the man pages, in seconds since 1970")
)

// TestManPages makes a man page of every command. With -man it keeps them.
func TestManPages(t *testing.T) {
	dir := *manDir
	if dir == "" {
		dir = t.TempDir()
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	date := time.Unix(*manDate, 0).UTC()
	root := newRoot()
	root.DisableAutoGenTag = true
	if err := doc.GenManTree(root, &doc.GenManHeader{Section: "1", Source: "rtbuild", Manual: "rtbuild", Date: &date}, dir); err != nil {
		t.Fatal(err)
	}
	for page, want := range map[string]string{"rtbuild-client.1": "rtbuild-client-solve", "rtbuild-client-solve.1": "--repository"} {
		data, err := os.ReadFile(filepath.Join(dir, page))
		if err != nil || !strings.Contains(strings.ReplaceAll(string(data), `\-`, "-"), want) {
			t.Errorf("%s lacks %s: %v", page, want, err)
		}
	}
}
