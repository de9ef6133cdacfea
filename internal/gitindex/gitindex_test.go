package gitindex

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rtbuild/rtbuild/tags"
)

// git runs git in a directory.
func git(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=x", "GIT_AUTHOR_EMAIL=x", "GIT_COMMITTER_NAME=x", "GIT_COMMITTER_EMAIL=x")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func write(t *testing.T, file, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// repository makes a commit with an executable file, a file with the line ends of Windows, links to a file, to a directory and
// through another link, and a project in a subdirectory.
func repository(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	git(t, dir, "init", "-q", "-b", "main")
	write(t, filepath.Join(dir, "agent/bin/run"), "#!/bin/sh\n", 0o755)
	write(t, filepath.Join(dir, "agent/lib/a.js"), "1\r\n", 0o644)
	write(t, filepath.Join(dir, "other"), "x", 0o755)
	for name, target := range map[string]string{"agent/run": "bin/run", "agent/code": "lib", "agent/deep": "code/a.js"} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	git(t, dir, "add", ".")
	git(t, dir, "commit", "-q", "-m", "x")
	return dir
}

// onWindows clones a repository as git does on Windows: without executable bits, and with regular files for links.
func onWindows(t *testing.T, from string, more ...string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "clone")
	args := append([]string{"clone", "-q", "-c", "core.fileMode=false", "-c", "core.symlinks=false"}, more...)
	git(t, from, append(args, from, dir)...)
	if err := os.Chmod(filepath.Join(dir, "agent/bin/run"), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// scan gives the tree of the project in a checkout.
func scan(t *testing.T, checkout string) *tags.Tree {
	t.Helper()
	dir, err := filepath.EvalSymlinks(filepath.Join(checkout, "agent"))
	if err != nil {
		t.Fatal(err)
	}
	known, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	tree, err := tags.Scan(t.Context(), dir, tags.Source{Paths: []tags.Path{{Path: ".", Hash: true}}, Checkout: known})
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// TestSameTreeFromWindows: the same commit has the same digests and the same entries, whatever the file system lacks.
func TestSameTreeFromWindows(t *testing.T) {
	from := repository(t)
	want := scan(t, from)
	for name, options := range map[string][]string{"index 2": nil, "index 4": {"-c", "index.version=4"}, "apart": {"--separate-git-dir", filepath.Join(t.TempDir(), "git")}} {
		t.Run(name, func(t *testing.T) {
			dir := onWindows(t, from, options...)
			if info, err := os.Lstat(filepath.Join(dir, "agent/run")); err != nil || !info.Mode().IsRegular() {
				t.Fatalf("the clone has a link: %v %v", info, err)
			}
			got := scan(t, dir)
			if got.Copied != want.Copied || got.Digest != want.Digest {
				t.Errorf("got %s %s, want %s %s", got.Copied, got.Digest, want.Copied, want.Digest)
			}
			if !slices.EqualFunc(got.Entries, want.Entries, func(a, b tags.Entry) bool { return a == b }) {
				t.Errorf("got  %v\nwant %v", got.Entries, want.Entries)
			}
		})
	}
}

// TestSameTreeFromAWorktree: a worktree has an index of its own, and shares the configuration.
func TestSameTreeFromAWorktree(t *testing.T) {
	from := repository(t)
	clone := onWindows(t, from)
	dir := filepath.Join(t.TempDir(), "worktree")
	git(t, clone, "worktree", "add", "-q", dir)
	if err := os.Chmod(filepath.Join(dir, "agent/bin/run"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got, want := scan(t, dir).Copied, scan(t, from).Copied; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestUntracked: the file system decides about files that git does not know.
func TestUntracked(t *testing.T) {
	dir := onWindows(t, repository(t))
	write(t, filepath.Join(dir, "agent/new"), "x", 0o755)
	for _, e := range scan(t, dir).Entries {
		if e.Path == "new" && e.Mode != 0o755 {
			t.Errorf("got %v", e.Mode)
		}
	}
}

// TestNothingToSay: git is not asked where the file system has everything, and outside of a checkout.
func TestNothingToSay(t *testing.T) {
	for _, dir := range []string{repository(t), t.TempDir()} {
		if got, err := Read(dir); got != nil || err != nil {
			t.Errorf("got %v, %v", got, err)
		}
	}
}

// TestBadIndex: an index that cannot be read is an error, because the tags would be others.
func TestBadIndex(t *testing.T) {
	dir := onWindows(t, repository(t))
	write(t, filepath.Join(dir, ".git/index"), "DIRC", 0o644)
	if _, err := Read(dir); err == nil || !strings.Contains(err.Error(), "git status") {
		t.Errorf("got %v", err)
	}
	if err := os.Remove(filepath.Join(dir, ".git/index")); err != nil {
		t.Fatal(err)
	}
	if got, err := Read(dir); got != nil || err != nil {
		t.Errorf("without an index: got %v, %v", got, err)
	}
}

// TestPaths: what is said is about the context, not the repository.
func TestPaths(t *testing.T) {
	dir := onWindows(t, repository(t))
	got, err := Read(filepath.Join(dir, "agent"))
	if err != nil {
		t.Fatal(err)
	}
	if want := map[string]bool{"bin/run": true, "lib/a.js": false}; !maps.Equal(got.Executable, want) {
		t.Errorf("got %v", got.Executable)
	}
	if want := map[string]bool{"run": true, "code": true, "deep": true}; !maps.Equal(got.Links, want) {
		t.Errorf("got %v", got.Links)
	}
}
