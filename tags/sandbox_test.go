package tags

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// entry is a file, directory or link of a test tree, in the format of the vectors.
type entry struct {
	Path    string `json:"path"`
	RawPath []byte `json:"path_b64"`
	Type    string `json:"type"` // file, dir, symlink, fifo, socket, hardlink
	Content []byte `json:"content_b64"`
	Repeat  *struct {
		Unit  []byte `json:"unit_b64"`
		Count int    `json:"count"`
	} `json:"content_repeat"`
	Target    string `json:"target"`
	RawTarget []byte `json:"target_b64"`
	Mode      string `json:"mode"` // octal, applied last
}

func (e entry) name() string { return e.Path + string(e.RawPath) }

func (e entry) content() []byte {
	if e.Repeat != nil {
		return bytes.Repeat(e.Repeat.Unit, e.Repeat.Count)
	}
	return e.Content
}

// file, link and dir return entries of hand-written trees.
func file(path, content string) entry {
	return entry{Path: path, Type: "file", Content: []byte(content)}
}
func link(path, target string) entry { return entry{Path: path, Type: "symlink", Target: target} }
func dir(path string) entry          { return entry{Path: path, Type: "dir"} }

func (e entry) mode(octal string) entry {
	e.Mode = octal
	return e
}

// makeTree creates the entries below root, which may exist. "{SANDBOX}" in targets stands for the directory sandbox.
func makeTree(t testing.TB, sandbox, root string, entries []entry) {
	t.Helper()
	must(t, os.MkdirAll(root, 0o755))
	for _, e := range entries {
		makeEntry(t, sandbox, root, e)
	}
	for _, e := range entries {
		if e.Mode == "" {
			continue
		}
		bits, err := strconv.ParseUint(e.Mode, 8, 32)
		must(t, err)
		at := filepath.Join(root, e.name())
		t.Cleanup(func() { _ = os.Chmod(at, 0o755) }) // so that it can be removed
		must(t, os.Chmod(at, fs.FileMode(bits)))
	}
}

func makeEntry(t testing.TB, sandbox, root string, e entry) {
	t.Helper()
	at := filepath.Join(root, e.name())
	must(t, os.MkdirAll(filepath.Dir(at), 0o755))
	target := strings.ReplaceAll(e.Target+string(e.RawTarget), "{SANDBOX}", sandbox)
	switch e.Type {
	case "file":
		must(t, os.WriteFile(at, e.content(), 0o644))
	case "dir":
		must(t, os.MkdirAll(at, 0o755))
	case "symlink":
		must(t, os.Symlink(target, at))
	case "hardlink":
		must(t, os.Link(filepath.Join(root, target), at))
	case "fifo":
		must(t, syscall.Mkfifo(at, 0o644))
	case "socket":
		must(t, syscall.Mknod(at, syscall.S_IFSOCK|0o644, 0))
	default:
		t.Fatalf("entry %q: unknown type %q", e.name(), e.Type)
	}
}

// tree creates a context with the entries and returns its path.
func tree(t testing.TB, entries ...entry) string {
	t.Helper()
	sandbox := realTemp(t)
	root := filepath.Join(sandbox, "root")
	makeTree(t, sandbox, root, entries)
	return root
}

// realTemp returns a temporary directory's path, with links resolved.
func realTemp(t testing.TB) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	must(t, err)
	return dir
}

// copyTree copies a Tree as a builder would, and returns the copy's path.
func copyTree(t testing.TB, tree *Tree) string {
	t.Helper()
	root := filepath.Join(realTemp(t), "copy")
	must(t, os.Mkdir(root, 0o755))
	for _, e := range tree.Entries {
		at := filepath.Join(root, e.Path)
		switch e.Mode.Type() {
		case fs.ModeDir:
			must(t, os.Mkdir(at, e.Mode.Perm()))
		case fs.ModeSymlink:
			must(t, os.Symlink(e.Link, at))
		default:
			content, err := os.ReadFile(filepath.Join(tree.Root, e.Path))
			must(t, err)
			if int64(len(content)) != e.Size {
				t.Errorf("%s: size %d, but %d bytes", e.Path, e.Size, len(content))
			}
			must(t, os.WriteFile(at, content, e.Mode.Perm()))
		}
	}
	return root
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
