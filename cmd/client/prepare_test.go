package main

import (
	"bytes"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/rtbuild/rtbuild/internal/testenv/filetree"
	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
)

// command runs a command line and gives what it printed.
func command(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	root := newRoot()
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetArgs(args)
	err := root.ExecuteContext(t.Context())
	return out.String(), err
}

func mustCommand(t *testing.T, args ...string) string {
	t.Helper()
	out, err := command(t, args...)
	if err != nil {
		t.Fatalf("%q: %v", args, err)
	}
	return out
}

const examples = "../../examples/"

// TestPrepareAsTheOriginal gives the flags of the original's runtime_build.py, in its spelling. The folder is that of the same flags in ours.
func TestPrepareAsTheOriginal(t *testing.T) {
	t.Setenv(repositoryEnv, "")
	dir := filetree.OpenHands().Write(t, t.TempDir())
	folders := map[string][]string{
		filepath.Join(t.TempDir(), "new", "folder"): {"--base_image", "debian:bookworm", "--force_rebuild", "--no_enable_browser", "--platform", "linux/amd64"},
		t.TempDir(): {"--base-image", "debian:bookworm", "--no-browser"},
	}
	var made []filetree.Files
	for folder, args := range folders {
		prepare := slices.Concat([]string{"prepare", "--build_folder", folder, dir}, args)
		for range 2 { // the second time it replaces its own
			if out := mustCommand(t, prepare...); out != folder+"\n" {
				t.Errorf("printed %q, want the folder", out)
			}
		}
		made = append(made, filetree.List(t, folder))
	}
	if !maps.Equal(made[0], made[1]) || !strings.Contains(made[0]["Dockerfile"], "browser: false") {
		t.Errorf("the folders are\n%q\n%q", made[0], made[1])
	}
}

// TestPrepareRefuses: what is wrong with a flag, the folder or the project is an error of usage.
func TestPrepareRefuses(t *testing.T) {
	node, folder := examples+"node-agent", t.TempDir()
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"no folder", []string{node}, "give --build-folder DIR"},
		{"above the project", []string{node, "--build-folder", examples}, "it contains the project"},
		{"syntax of two lines", []string{node, "--build-folder", folder, "--syntax", "a\nb"}, "invalid --syntax"},
		{"not a flag's value", []string{node, "--build-folder", folder, "--enable_browser=maybe"}, "invalid"},
		{"no project", []string{t.TempDir(), "--build-folder", folder}, "profile"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv(repositoryEnv, "")
			_, err := command(t, append([]string{"prepare"}, test.args...)...)
			if !projecttest.WantError(t, err, test.want) || exitCode(err) != exitUsage {
				t.Errorf("exit code %d, want %d", exitCode(err), exitUsage)
			}
		})
	}
}

// An error while code is copied leaves the folder unchanged.
func TestPrepareLeavesTheOldFolder(t *testing.T) {
	t.Setenv(repositoryEnv, "")
	folder := t.TempDir()
	if err := syscall.Mount("none", folder, "tmpfs", 0, "size=64k"); err != nil {
		t.Fatal("cannot mount a small file system: run as root:", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(folder, 0); err != nil {
			t.Error(err)
		}
	})
	dir := filetree.OpenHands().Write(t, t.TempDir())
	mustCommand(t, "prepare", "--build-folder", folder, dir)
	before := filetree.List(t, folder)
	filetree.Files{"openhands/big.py": strings.Repeat("# large\n", 20_000)}.Write(t, dir)
	_, err := command(t, "prepare", "--build-folder", folder, dir)
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "free some space there") {
		t.Errorf("got %v, want that there is no space", err)
	}
	if after := filetree.List(t, folder); !maps.Equal(before, after) {
		t.Errorf("files were changed:\n%q\n%q", before, after)
	}
}

func TestPreparePrintsTags(t *testing.T) {
	t.Setenv(repositoryEnv, "registry.example.com/t/r")
	got := mustCommand(t, "prepare", "--format", "json", "--build-folder", t.TempDir(), examples+"node-agent")
	if want := mustCommand(t, "tags", "--format", "json", examples+"node-agent"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestPrepareBrowserFlags(t *testing.T) {
	tests := []struct {
		name string
		args []string
		off  bool
	}{
		{name: "by default"},
		{name: "ours", args: []string{"--no-browser"}, off: true},
		{name: "the original's", args: []string{"--no_enable_browser"}, off: true},
		{name: "the last wins", args: []string{"--no_enable_browser", "--enable_browser"}},
		{name: "and the other way round", args: []string{"--enable_browser", "--no_enable_browser"}, off: true},
		{name: "by value", args: []string{"--enable-browser=false"}, off: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var o prepareOptions
			cmd := newRoot()
			o.register(cmd)
			if err := cmd.ParseFlags(test.args); err != nil {
				t.Fatal(err)
			}
			if o.runtime.NoBrowser != test.off {
				t.Errorf("got %v, want %v", o.runtime.NoBrowser, test.off)
			}
		})
	}
}
