package project

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rtbuild/rtbuild/internal/testenv/filetree"
)

// workspace is a repository whose lock file is above its projects. Only agent says so.
var workspace = filetree.Files{
	"package.json": `{"workspaces": ["packages/*"]}`, "package-lock.json": "{}",
	"packages/agent/package.json": `{"main": "a.js"}`, "packages/agent/a.js": "",
	"packages/agent/runtime.yaml": "base: debian:bookworm\ndirectory: packages/agent\n",
	"packages/other/package.json": "{}", "packages/other/runtime.yaml": "base: debian:bookworm\n",
}

// member is a file of the project that says where its context is.
const member = "packages/agent/package.json"

// TestContextAbove: a project that is named by its own directory has the context that its runtime file says, but only within its repository.
func TestContextAbove(t *testing.T) {
	tests := []struct {
		name          string
		files         filetree.Files // more than those of the workspace
		context, file string         // relative to the repository
		tracked       string         // empty: there is no repository
		fault         string
	}{
		{name: "the project's directory", tracked: member, context: "packages/agent"},
		{name: "the repository", context: ".", file: "packages/agent/runtime.yaml"},
		{name: "a worktree", files: filetree.Files{".git": "gitdir: git/worktrees/x"}, tracked: member, context: "packages/agent"},
		{name: "no repository", context: "packages/agent", fault: "is in no git repository with it: name the context, as in: solve -f "},
		{name: "another repository", tracked: member, files: filetree.Files{"packages/agent/.git": "gitdir: /x"}, context: "packages/agent", fault: "is in no git repository with it"},
		{name: "not tracked", tracked: "packages/agents", context: "packages/agent", fault: "is in a git repository that tracks no file of the project: git add "},
		{name: "no index", files: filetree.Files{".git/HEAD": ""}, context: "packages/agent", fault: "tracks no file of the project"},
		{name: "a bad index", files: filetree.Files{".git/index": "x"}, context: "packages/agent", fault: "is in a git repository whose index cannot be read: "},
		{name: "not said", tracked: member, context: "packages/other", fault: "the project has no lock file, and "},
		{name: "another directory", context: "packages/other", file: "packages/agent/runtime.yaml", fault: "has no such directory: name another context"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := workspace.Without().With(test.files).Write(t, tempDir(t))
			if _, linked := test.files[".git"]; linked {
				filetree.Track(t, filepath.Join(dir, "git/worktrees"), test.tracked)
				rename(t, filepath.Join(dir, "git/worktrees/.git"), filepath.Join(dir, "git/worktrees/x"))
			} else if test.tracked != "" {
				filetree.Track(t, dir, test.tracked)
			}
			opts := Options{}
			if test.file != "" {
				opts.File = filepath.Join(dir, test.file)
			}
			p, err := Read(filepath.Join(dir, test.context), opts)
			if test.fault != "" || err != nil {
				if err == nil || test.fault == "" || !strings.Contains(err.Error(), test.fault) {
					t.Errorf("the error is %v, want %q", err, test.fault)
				}
				return
			}
			if p.Root != dir || p.Runtime.Directory != "packages/agent" || p.Name() != "agent" {
				t.Errorf("the context is %s, the directory %q, and the name %q", p.Root, p.Runtime.Directory, p.Name())
			}
			if err := p.ComputeTags(t.Context(), ""); err != nil {
				t.Fatal(err)
			}
			for _, e := range p.Tree.Entries {
				if e.Path == "packages/agent/runtime.yaml" {
					t.Error("the runtime file is in the source")
				}
			}
		})
	}
}

// TestContextAboveHome: an archive that is unpacked in a repository of the user does not make that the context.
func TestContextAboveHome(t *testing.T) {
	dir := workspace.Without().With(filetree.Files{"home/agent/package.json": "{}", "home/agent/runtime.yaml": "base: debian\ndirectory: agent\n", "home/package-lock.json": "{}"}).Write(t, tempDir(t))
	t.Setenv("HOME", filepath.Join(dir, "home", "..", "home"))
	filetree.Track(t, dir, member, "home/agent/package.json")
	agent := filepath.Join(dir, "home/agent")
	for _, project := range []string{agent, filepath.Join(dir, "packages/agent")} {
		if _, err := Read(project, Options{}); err == nil || !strings.Contains(err.Error(), "is your home directory or holds it: move the workspace to a directory of its own") {
			t.Errorf("%s: the error is %v", project, err)
		}
		if above, _, lock := Workspace(project); lock != "" {
			t.Errorf("the workspace of %s is %s", project, above)
		}
	}
}

// TestContextAboveForeign: a repository of another user does not move the context, as git does not work in it.
func TestContextAboveForeign(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root gives files away")
	}
	dir := workspace.Write(t, tempDir(t))
	filetree.Track(t, dir, member)
	project := filepath.Join(dir, "packages/agent")
	for _, name := range []string{filepath.Join(dir, ".git"), dir} {
		if err := os.Chown(name, 4711, -1); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(project, Options{}); err == nil || !strings.Contains(err.Error(), "is not yours, because "+name+" belongs to another user: name the context") {
			t.Errorf("the error is %v", err)
		}
		t.Setenv("SUDO_UID", "4711")
		if p, err := Read(project, Options{}); err != nil || p.Root != dir {
			t.Errorf("under sudo: %v", err)
		}
		t.Setenv("SUDO_UID", "")
		if err := os.Chown(name, 0, -1); err != nil {
			t.Fatal(err)
		}
	}
}

// TestNamedContext: what is advised where the context is refused works.
func TestNamedContext(t *testing.T) {
	dir := workspace.Write(t, tempDir(t))
	_, err := Read(filepath.Join(dir, "packages/agent"), Options{})
	if err == nil {
		t.Fatal("no error")
	}
	_, command, _ := strings.Cut(err.Error(), "solve -f ")
	file, context, _ := strings.Cut(command, " ")
	if p, err := Read(context, Options{File: file}); err != nil || p.Root != dir {
		t.Errorf("%s: %v", command, err)
	}
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

// TestAdviceAbove: what is advised for a member of a workspace makes it a project.
func TestAdviceAbove(t *testing.T) {
	dir := workspace.Write(t, tempDir(t))
	filetree.Track(t, dir, member, "packages/other/package.json")
	other := filepath.Join(dir, "packages", "other")
	_, err := Read(other, Options{})
	want := "the project has no lock file, and " + dir + " has a package-lock.json: if the project is a member of that workspace, write directory: packages/other in " +
		filepath.Join(other, "runtime.yaml")
	if err == nil || err.Error() != want {
		t.Fatalf("the error is\n%v\nwant\n%s", err, want)
	}
	if err := os.WriteFile(filepath.Join(other, "runtime.yaml"), []byte("base: debian:bookworm\ndirectory: packages/other\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if p, err := Read(other, Options{}); err != nil || p.Root != dir {
		t.Errorf("%v", err)
	}
}

// tempDir returns a new directory whose path has no links.
func tempDir(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
