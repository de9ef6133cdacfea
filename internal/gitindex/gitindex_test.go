package gitindex

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/format/index"

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

// TestBadIndex: an index that cannot be read is an error that says why, what is lost, and what helps.
func TestBadIndex(t *testing.T) {
	tests := []struct {
		name, want string
		spoil      func(t *testing.T, dir string)
	}{
		{"cut off", "git status tells whether", func(t *testing.T, dir string) { write(t, filepath.Join(dir, ".git/index"), "DIRC", 0o644) }},
		{"another checksum", "invalid checksum", func(t *testing.T, dir string) {
			change(t, dir, func(data []byte) { data[len(data)-1]++ })
		}},
		{"split", "git update-index --no-split-index makes it one", func(t *testing.T, dir string) { git(t, dir, "update-index", "--split-index") }},
		{"another hash", "SHA-256", func(t *testing.T, dir string) {
			if err := os.RemoveAll(filepath.Join(dir, ".git")); err != nil {
				t.Fatal(err)
			}
			git(t, dir, "init", "-q", "--object-format=sha256")
			git(t, dir, "config", "core.fileMode", "false")
			git(t, dir, "add", ".")
		}},
		{"no configuration", "expected subsection name", func(t *testing.T, dir string) { write(t, filepath.Join(dir, ".git/config"), "[core", 0o644) }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := onWindows(t, repository(t))
			test.spoil(t, dir)
			got, err := Read(dir)
			var unreadable *UnreadableError
			if got != nil || !errors.As(err, &unreadable) {
				t.Fatalf("got %v, %v", got, err)
			}
			for _, want := range []string{test.want, "the tags may differ from those of other systems"} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error is %v, want %q", err, want)
				}
			}
		})
	}
}

// TestSplitIndexMended: what is advised for a split index makes it readable.
func TestSplitIndexMended(t *testing.T) {
	from := repository(t)
	dir := onWindows(t, from)
	git(t, dir, "update-index", "--split-index")
	git(t, dir, "update-index", "--no-split-index")
	if got, want := scan(t, dir).Copied, scan(t, from).Copied; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestNoIndex: nothing is tracked yet.
func TestNoIndex(t *testing.T) {
	dir := onWindows(t, repository(t))
	if err := os.Remove(filepath.Join(dir, ".git/index")); err != nil {
		t.Fatal(err)
	}
	if got, err := Read(dir); got != nil || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
	if tracked, err := Tracks(filepath.Join(dir, "agent")); tracked || err != nil {
		t.Errorf("got %v, %v", tracked, err)
	}
}

// change writes a repository's index anew.
func change(t *testing.T, dir string, edit func([]byte)) {
	t.Helper()
	name := filepath.Join(dir, ".git/index")
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	edit(data)
	write(t, name, string(data), 0o644)
}

// TestForms: an index of a large repository has no checksum, or directories in place of files that are not checked out.
func TestForms(t *testing.T) {
	from := repository(t)
	want := scan(t, from)
	noChecksum := func(t *testing.T, dir string) { change(t, dir, func(data []byte) { clear(data[len(data)-20:]) }) }
	sparse := func(t *testing.T, dir string) {
		git(t, dir, "sparse-checkout", "set", "--cone", "--sparse-index", "agent")
		if err := os.Chmod(filepath.Join(dir, "agent/bin/run"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, form := range map[string]func(*testing.T, string){
		"index.skipHash": noChecksum,
		"feature.manyFiles": func(t *testing.T, dir string) {
			git(t, dir, "config", "feature.manyFiles", "true")
			git(t, dir, "update-index", "--index-version", "4", "--untracked-cache")
			noChecksum(t, dir)
		},
		"sparse":          sparse,
		"sparse, no hash": func(t *testing.T, dir string) { sparse(t, dir); noChecksum(t, dir) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := onWindows(t, from)
			form(t, dir)
			if got := scan(t, dir); got.Copied != want.Copied {
				t.Errorf("got %v, want %v", got.Entries, want.Entries)
			}
		})
	}
}

// hostile makes a repository on whose index git itself would refuse to work. Its entries are links with the names given.
func hostile(t *testing.T, names ...string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, ".git/config"), "[core]\nfilemode = false\nsymlinks = false\n", 0o644)
	all := index.Index{Version: 2}
	for _, name := range names {
		all.Entries = append(all.Entries, &index.Entry{Name: name, Mode: filemode.Symlink})
	}
	var data bytes.Buffer
	if err := index.NewEncoder(&data).Encode(&all); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, ".git/index"), data.String(), 0o644)
	return dir
}

// TestHostileIndex: an index makes rtbuild read nothing outside of the context, nothing that is no regular file, and no long file.
func TestHostileIndex(t *testing.T) {
	const private = "a private key"
	key := filepath.Join(t.TempDir(), "key")
	write(t, key, private, 0o600)
	tests := []struct {
		name, text string // of the link a
		more       func(t *testing.T, dir, outside string)
		fails      bool
	}{
		{name: "a name outside", text: "OUTSIDE"},
		{name: "through a link", text: "d/key", more: func(t *testing.T, dir, _ string) {
			if err := os.Symlink(filepath.Dir(key), filepath.Join(dir, "d")); err != nil {
				t.Fatal(err)
			}
		}, fails: true},
		{name: "a pipe", text: "pipe", more: func(t *testing.T, dir, _ string) {
			if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, fails: true},
		{name: "a long text", text: strings.Repeat("x/", 4096), fails: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			outside := "../" + strings.Repeat("../", strings.Count(os.TempDir(), "/")+6) + strings.TrimPrefix(key, "/")
			dir := hostile(t, "a", "d/key", "pipe", outside)
			write(t, filepath.Join(dir, "a"), strings.ReplaceAll(test.text, "OUTSIDE", outside), 0o644)
			if test.more != nil {
				test.more(t, dir, outside)
			}
			known, err := Read(dir)
			if err != nil || len(known.Links) != 3 {
				t.Fatalf("got %v, %v", known, err)
			}
			tree, err := tags.Scan(t.Context(), dir, tags.Source{Paths: []tags.Path{{Path: ".", Hash: true}}, Checkout: known, Confined: true})
			if err != nil && strings.Contains(err.Error(), private) || test.fails != (err != nil) {
				t.Errorf("the error is %v", err)
			}
			if err == nil && !slices.Contains(tree.Outside, "a") {
				t.Errorf("got %v, outside %v", tree.Entries, tree.Outside)
			}
		})
	}
}

// TestRemote: no file makes Windows look at another machine.
func TestRemote(t *testing.T) {
	for name, want := range map[string]bool{
		`\\host\share`: true, `//host/share`: true, `/\host\share`: true, `\/host/share`: true, `\\?\UNC\host\share`: true, `\??\UNC\host\share`: true, `\\.\pipe\x`: true,
		`C:\git\x`: false, `/home/me/x/.git/worktrees/y`: false, `../.git/modules/x`: false,
	} {
		if got := remote(name); got != want {
			t.Errorf("%s: got %v", name, got)
		}
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, ".git"), `gitdir: //host/share`, 0o644)
	if top := Top(dir); top != "" {
		t.Errorf("got %s", top)
	}
}

// TestTracks: a directory is tracked if git knows a file in it.
func TestTracks(t *testing.T) {
	dir := repository(t)
	write(t, filepath.Join(dir, "agent/new/file"), "x", 0o644)
	write(t, filepath.Join(dir, "agen/file"), "x", 0o644)
	for name, want := range map[string]bool{".": true, "agent": true, "agent/bin": true, "agent/new": false, "agen": false, "absent": false} {
		if got, err := Tracks(filepath.Join(dir, name)); got != want || err != nil {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
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
