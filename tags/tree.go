package tags

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Tree is a source tree as it was hashed: exactly what is copied into an image.
type Tree struct {
	Root   string // the context directory, absolute, links resolved
	Digest string // the directory digest of the hashed paths (hex MD5, section 6.5)
	Copied string // "sha256:..." over everything copied: paths, types, normalised modes, contents, link targets

	// Entries are what is copied, directories included: parents first, the entries of a directory in the byte order of
	// their names. The content of a file is read at Root/Path, where links are followed.
	Entries []Entry
	// Outside are the links that leave the context, lock files among them: hashed, but no builder may be given what they
	// point to.
	Outside []string
	// Warnings name the broken links and special files that were left out, by path, escaped.
	Warnings []string
	// LockFiles are where the lock files were found, relative to the context and in the order of Inputs.LockFiles.
	LockFiles []string
}

// Entry is a file, directory or link of a Tree.
type Entry struct {
	Path string      // relative to the context, slash-separated
	Mode fs.FileMode // type, and the normalised permissions: 0644, 0755 for directories and what the owner may execute
	Link string      // the target, where the entry stays a symbolic link
	Size int64       // of a file, in bytes
}

func newTree(w *walk, root *node, noCopy []string) *Tree {
	t := &Tree{Root: w.root, Digest: digestOf(root, w.paths), Warnings: sentences(w.warnings)}
	root.walk(func(n *node) {
		if n.outside {
			t.Outside = append(t.Outside, n.path())
		}
	})
	uncopy(root, noCopy)
	settleLinks(root)
	sum := sha256.New()
	t.add(root, sum.Write)
	t.Copied = "sha256:" + hex.EncodeToString(sum.Sum(nil))
	return t
}

// uncopy takes what is hashed but not copied out of the copy, and directories that hold nothing else.
func uncopy(n *node, names []string) {
	n.copied = !n.dir
	for _, c := range n.children {
		uncopy(c, names)
		n.copied = n.copied || c.copied
	}
	if n.hashed && n.parent != nil && slices.ContainsFunc(names, func(p string) bool {
		ok, _ := path.Match(p, n.name) // newRules has seen the patterns
		return ok
	}) {
		n.copied = false
	}
}

// add lists the copied entries below n, and writes each to the digest of the copy: type, mode, path, and the content's
// digest or the link's target, each with a NUL byte behind it.
func (t *Tree) add(n *node, write func([]byte) (int, error)) {
	for _, c := range n.children {
		if !c.copied {
			continue
		}
		e, kind, content := Entry{Path: c.path(), Mode: c.normalMode()}, "dir", ""
		switch {
		case c.linked:
			e.Link = c.link
			kind, content = "link", c.link
		case !c.dir:
			e.Size = c.size
			kind, content = "file", hex.EncodeToString(c.sha256[:])
		}
		t.Entries = append(t.Entries, e)
		_, _ = write(fmt.Appendf(nil, "%s\x00%04o\x00%s\x00%s\x00", kind, e.Mode.Perm(), e.Path, content))
		if !c.linked {
			t.add(c, write)
		}
	}
}

// addLocks notes where the lock files were found. One that is a link out of the context is refused by a builder just
// as a link of the source is.
func (t *Tree) addLocks(files []string) {
	t.LockFiles = files
	for _, f := range files {
		real, err := filepath.EvalSymlinks(filepath.Join(t.Root, f))
		if err == nil && !within(t.Root, real) && !slices.Contains(t.Outside, f) {
			t.Outside = append(t.Outside, f)
		}
	}
	slices.Sort(t.Outside)
}

func sentences(warnings []warning) []string {
	slices.SortFunc(warnings, func(a, b warning) int { return strings.Compare(a.path, b.path) })
	var all []string
	for _, w := range warnings {
		all = append(all, fmt.Sprintf("source %q: %s, left out", w.path, w.what))
	}
	return all
}
