package project

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rtbuild/rtbuild/internal/projectfile"
	"github.com/rtbuild/rtbuild/internal/testenv/filetree"
	"github.com/rtbuild/rtbuild/tags"
)

// TestChangeBetweenReadAndHash: a manifest that changes after Read is a *tags.ChangedError. Otherwise the image would have a
// command that its tag does not cover.
func TestChangeBetweenReadAndHash(t *testing.T) {
	for _, file := range []string{"package.json", "package-lock.json", ".dockerignore"} {
		t.Run(file, func(t *testing.T) {
			dir := filetree.Files{"package.json": `{"main":"a.js"}`, "package-lock.json": "{}", "a.js": "", ".dockerignore": "x\n", "runtime.yaml": "base: debian\n"}.Write(t, t.TempDir())
			p, err := Read(dir, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, file), []byte(`{"main":"b.js"}`), 0o644); err != nil {
				t.Fatal(err)
			}
			var changed *tags.ChangedError
			err = p.ComputeTags(t.Context(), "")
			if _, read := p.sums[file]; read && (!errors.As(err, &changed) || changed.Path != file) {
				t.Errorf("got %v", err)
			} else if !read && err != nil {
				t.Errorf("a file that was not read: %v", err)
			}
		})
	}
}

// TestChangeBetweenReads: version and command come from several reads of one manifest. A recorder finds reads that differ.
func TestChangeBetweenReads(t *testing.T) {
	dir := filetree.Files{"package.json": `{"main":"a.js"}`, "other.json": "{}"}.Write(t, t.TempDir())
	files, err := projectfile.Confined(dir)
	if err != nil {
		t.Fatal(err)
	}
	seen := newRecorder(files)
	read := func(name string) {
		if _, err := fs.ReadFile(seen, name); err != nil {
			t.Fatal(err)
		}
	}
	read("other.json")
	read("package.json")
	read("package.json")
	if name := seen.changed(); name != "" {
		t.Errorf("%s did not change", name)
	}
	if err := os.WriteFile(filepath.Join(dir, "package.json"), []byte(`{"main":"b.js"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	read("package.json")
	if name := seen.changed(); name != "package.json" {
		t.Errorf("got %q", name)
	}
}

// TestUnreadableIndex: an index that cannot be read is a warning. The file system then says what is executable.
func TestUnreadableIndex(t *testing.T) {
	dir := workspace.Without().With(filetree.Files{".git/config": "[core]\nfilemode = false\n", ".git/index": "DIRC", "runtime.yaml": "base: debian:bookworm\n"}).Write(t, tempDir(t))
	p, err := Read(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Warnings) != 1 || !strings.Contains(p.Warnings[0], "cannot be read") || p.Inputs.Source.Checkout != nil {
		t.Errorf("the warnings are %q", p.Warnings)
	}
	if err := p.ComputeTags(t.Context(), ""); err != nil {
		t.Error(err)
	}
}
