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
	".git/HEAD": "", "package.json": `{"workspaces": ["packages/*"]}`, "package-lock.json": "{}",
	"packages/agent/package.json": `{"main": "a.js"}`, "packages/agent/a.js": "",
	"packages/agent/runtime.yaml": "base: debian:bookworm\ndirectory: packages/agent\n",
	"packages/other/package.json": "{}", "packages/other/runtime.yaml": "base: debian:bookworm\n",
}

// TestContextAbove: a project that is named by its own directory has the context that its runtime file says, but only within its repository.
func TestContextAbove(t *testing.T) {
	tests := []struct {
		name          string
		files         filetree.Files
		context, file string // relative to the repository
		fault         string
	}{
		{name: "the project's directory", files: workspace, context: "packages/agent"},
		{name: "the repository", files: workspace, context: ".", file: "packages/agent/runtime.yaml"},
		{name: "a worktree", files: workspace.Without(".git/HEAD").With(filetree.Files{".git": "gitdir: /x"}), context: "packages/agent"},
		{name: "no repository", files: workspace.Without(".git/HEAD"), context: "packages/agent", fault: "is in no git repository with it: name the context, as in: solve -f "},
		{name: "another repository", files: workspace.Without().With(filetree.Files{"packages/agent/.git": "gitdir: /x"}), context: "packages/agent", fault: "is in no git repository with it"},
		{name: "not said", files: workspace, context: "packages/other", fault: "the project has no lock file, and "},
		{name: "another directory", files: workspace, context: "packages/other", file: "packages/agent/runtime.yaml", fault: "has no such directory: name another context"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := test.files.Write(t, tempDir(t))
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
			if p.Root != dir || p.Runtime.Directory != "packages/agent" {
				t.Errorf("the context is %s, and the directory %q", p.Root, p.Runtime.Directory)
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

// TestAdviceAbove: what is advised for a member of a workspace makes it a project.
func TestAdviceAbove(t *testing.T) {
	dir := workspace.Write(t, tempDir(t))
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
