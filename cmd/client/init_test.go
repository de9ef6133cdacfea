package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rtbuild/rtbuild/internal/testenv/filetree"
)

// TestInit: a runtime file of a Dockerfile, where it is written, and that plan's checks take it.
func TestInit(t *testing.T) {
	dir := t.TempDir()
	filetree.Files{
		"package.json": `{"name": "agent", "version": "1.0.0", "main": "server.js"}`, "package-lock.json": `{"lockfileVersion": 3, "packages": {}}`, "server.js": "",
		"build/Dockerfile": "FROM debian:bookworm\nRUN apt-get install -y git\nRUN frob\nCMD [\"node\", \"server.js\"]\n",
	}.Write(t, dir)
	file := filepath.Join(dir, "runtime.yaml")
	if got := mustCommand(t, "init", dir, "--from", "build/Dockerfile"); got != file+"\n" {
		t.Errorf("init prints %q, want %q", got, file)
	}
	written, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(written), "\npackages: [git] #") || !strings.Contains(string(written), "#   line 3: frob\n") {
		t.Errorf("%v:\n%s", err, written)
	}
	mustCommand(t, "tags", dir)
	if _, err := command(t, "init", dir); err == nil || !strings.Contains(err.Error(), "exists: give --force") || exitCode(err) != exitUsage {
		t.Errorf("a second init: %v", err)
	}
	if got := mustCommand(t, "init", dir, "-f", "-"); !strings.Contains(got, "\nbase: debian:bookworm #") || strings.Contains(got, "packages") {
		t.Errorf("without the Dockerfile:\n%s", got)
	}
	mustCommand(t, "init", dir, "--force", "--base-image", "alpine:3.20")
	if written, err = os.ReadFile(file); err != nil || !strings.Contains(string(written), "\nbase: alpine:3.20 #") || strings.Contains(string(written), "git") {
		t.Errorf("with --force: %v\n%s", err, written)
	}
	if _, err := command(t, "init", dir, "--from", "Absent", "-f", "-"); err == nil || exitCode(err) != exitUsage || !strings.Contains(err.Error(), "name the Dockerfile by --from") {
		t.Errorf("a missing Dockerfile: %v", err)
	}
}

// TestInitInWorkspace: a member of a workspace gets the line that names its directory, and is a project then.
func TestInitInWorkspace(t *testing.T) {
	dir := t.TempDir()
	filetree.Files{
		"package.json": `{"workspaces": ["packages/*"]}`, "package-lock.json": `{"lockfileVersion": 3, "packages": {}}`,
		"packages/agent/package.json": `{"name": "agent", "version": "2.0.0", "main": "server.js"}`, "packages/agent/server.js": "",
	}.Write(t, dir)
	filetree.Track(t, dir, "packages/agent/package.json")
	member := filepath.Join(dir, "packages", "agent")
	mustCommand(t, "init", member)
	written, err := os.ReadFile(filepath.Join(member, "runtime.yaml"))
	if err != nil || !strings.Contains(string(written), "\ndirectory: packages/agent #") {
		t.Errorf("%v:\n%s", err, written)
	}
	if got := mustCommand(t, "tags", member); !strings.Contains(got, "oh_v2.0.0_") {
		t.Errorf("the tags are\n%s", got)
	}
}

// TestInitLeavesLinks: a runtime file that is a link is not written, with --force neither.
func TestInitLeavesLinks(t *testing.T) {
	dir := t.TempDir()
	filetree.Files{"p/package.json": `{"main": "server.js"}`, "p/package-lock.json": `{"lockfileVersion": 3, "packages": {}}`, "outside": "kept"}.Write(t, dir)
	if err := os.Symlink("../outside", filepath.Join(dir, "p", "runtime.yaml")); err != nil {
		t.Fatal(err)
	}
	if _, err := command(t, "init", filepath.Join(dir, "p"), "--force"); err == nil || !strings.Contains(err.Error(), "is a link") || exitCode(err) != exitUsage {
		t.Errorf("init --force on a link: %v", err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "outside")); err != nil || string(text) != "kept" {
		t.Errorf("the file outside of the project is %q, %v", text, err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "p", ".*")); err != nil || left != nil {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestInitWithoutLock: what init says about a project without a lock file works.
func TestInitWithoutLock(t *testing.T) {
	dir := t.TempDir()
	filetree.Files{
		"empty/app.py": "", "node/package.json": "{}",
		"above/package.json": `{"workspaces": ["a"]}`, "above/package-lock.json": `{"lockfileVersion": 3, "packages": {}}`, "above/a/package.json": `{"main": "x.js"}`,
		"home/package-lock.json": "{}", "home/deep/node/package.json": "{}", "package-lock.json": "{}",
	}.Write(t, dir)
	t.Setenv("HOME", filepath.Join(dir, "home"))
	tests := []struct {
		args []string
		want string
	}{
		{[]string{"empty"}, "or give --profile node or --profile python"},
		{[]string{"node"}, "write it with: npm install --package-lock-only"},
		{[]string{"node", "--profile", "node"}, "package-lock.json is missing: write it with: npm install --package-lock-only"},
		{[]string{"above/a"}, "run git init and git add . in " + filepath.Join(dir, "above")},
		{[]string{"home/deep/node"}, "write it with: npm install --package-lock-only"},
	}
	for _, test := range tests {
		args := append([]string{"init", filepath.Join(dir, test.args[0])}, test.args[1:]...)
		if _, err := command(t, args...); err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "runtime.yaml") {
			t.Errorf("%v: %v, want %q", test.args, err, test.want)
		}
	}
	empty := filepath.Join(dir, "empty")
	mustCommand(t, "init", empty, "--profile", "python")
	mustCommand(t, "tags", empty)
}
