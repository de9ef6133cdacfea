package tags

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Tree is a source tree as it was hashed. An image gets exactly its Entries.
type Tree struct {
	Root       string // the context directory, absolute, links resolved
	Digest     string // the directory digest of the hashed paths (hex MD5, section 6.5)
	Copied     string // "sha256:..." over everything copied: paths, types, normalised modes, contents, link targets
	DepsDigest string // "sha256:..." over everything that the deps image is made from; set by Compute and Names

	// Entries lists what is copied, directories included. Parents come first; the entries of a directory are in the byte
	// order of their names.
	Entries []Entry
	// Outside lists the links that leave the context. Their targets must not be sent to a builder, and are read only with
	// Source.FollowOutside.
	Outside []string
	// Absolute lists the links whose text is an absolute path. Those into the context lead there on this machine only: in another checkout,
	// and in a builder, they leave the context.
	Absolute []string
	// Broken lists the links in the context that lead nowhere. They are left out.
	Broken []string
	// Warnings describes the broken links and special files that are left out, with quoted paths.
	Warnings []string
	// LockFiles lists the lock files as they were hashed, in the order of Inputs.LockFiles. Compute and Names set it.
	LockFiles []Entry
}

// Entry is a file, directory or link of a Tree.
type Entry struct {
	Path string      // relative to the context, slash-separated
	Mode fs.FileMode // type, and normalised permissions: 0644, or 0755 for directories and executable files
	Link string      // the target, if the copy keeps the entry as a symbolic link
	Size int64       // of a file, in bytes

	SHA256 [sha256.Size]byte // of a file's content, as it was hashed
	// Real is the path of a file's content, relative to the context and with links resolved. It is empty if that is Path.
	Real string
}

// Content returns the path from which a file's content was read, relative to the context and with links resolved.
func (e Entry) Content() string { return cmp.Or(e.Real, e.Path) }

// Paths returns the paths of entries, in their order.
func Paths(entries []Entry) []string {
	paths := make([]string, len(entries))
	for i, e := range entries {
		paths[i] = e.Path
	}
	return paths
}

func newTree(w *walk, root *node) *Tree {
	t := &Tree{Root: w.root, Digest: digestOf(root, w.paths), Warnings: w.warnings}
	slices.Sort(t.Warnings)
	t.Outside = append(t.Outside, w.outside...)
	t.Broken = append(t.Broken, w.broken...)
	slices.Sort(t.Broken)
	root.walk(func(n *node) {
		if n.outside {
			t.Outside = append(t.Outside, n.path)
		}
	})
	t.Absolute = append(t.Absolute, w.absolute...)
	slices.Sort(t.Outside)
	slices.Sort(t.Absolute)
	return t
}

// list sets Entries and Copied.
func (t *Tree) list(root *node, noCopy []string) {
	uncopy(root, noCopy)
	settleLinks(root)
	l := listing{root: t.Root, sum: sha256.New()}
	l.add(root)
	t.Entries = l.entries
	t.Copied = "sha256:" + hex.EncodeToString(l.sum.Sum(nil))
}

// uncopy removes entries that are hashed but not copied from the copy, and directories that contain nothing else.
func uncopy(n *node, names []string) {
	n.copied = !n.dir
	for _, c := range n.children {
		uncopy(c, names)
		n.copied = n.copied || c.copied
	}
	if n.hashed && n.parent != nil && slices.ContainsFunc(names, func(p string) bool {
		ok, _ := path.Match(p, n.name) // newRules has validated the patterns
		return ok
	}) {
		n.copied = false
	}
}

// listing collects the copied entries and their digest.
type listing struct {
	root    string
	entries []Entry
	sum     hash.Hash
	line    []byte // reused
}

// add lists the copied entries below n.
func (l *listing) add(n *node) {
	plain := l.isPlain(n)
	for _, c := range n.children {
		if !c.copied {
			continue
		}
		e := Entry{Path: c.path, Mode: c.normalMode()}
		switch {
		case c.linked:
			e.Link = c.link
		case !c.dir:
			e.Size, e.SHA256 = c.size, c.sha256
			if !plain || c.isLink || c.top {
				e.Real = l.real(c)
			}
		}
		l.entries = append(l.entries, e)
		l.line = e.appendLine(l.line[:0], c)
		l.sum.Write(l.line)
		if !c.linked {
			l.add(c)
		}
	}
}

// isPlain reports whether a directory is at its own path, that is, not reached through a link.
func (l *listing) isPlain(n *node) bool {
	rest, below := strings.CutPrefix(filepath.ToSlash(n.real), filepath.ToSlash(l.root))
	return below && (n.path == "." && rest == "" || strings.TrimPrefix(rest, "/") == n.path)
}

// real returns Entry.Real of a file.
func (l *listing) real(c *node) string {
	file := c.real
	if file == "" {
		file = c.file()
	}
	if rel, err := filepath.Rel(l.root, file); err == nil && rel != c.path {
		return filepath.ToSlash(rel)
	}
	return ""
}

// appendLine appends what the digest of the copy covers of an entry: type, mode, path, and the content's digest or the
// link's target, each followed by a NUL byte.
func (e Entry) appendLine(b []byte, n *node) []byte {
	kind := "file"
	switch {
	case n.linked:
		kind = "link"
	case n.dir:
		kind = "dir"
	}
	b = append(append(b, kind...), "\x000"...)
	b = strconv.AppendUint(b, uint64(e.Mode.Perm()), 8)
	b = append(append(append(b, 0), e.Path...), 0)
	if kind == "file" {
		b = hex.AppendEncode(b, n.sha256[:])
	}
	return append(append(b, e.Link...), 0)
}

// Covers reports whether a file or directory at a path of the context would be hashed or copied. Nothing need exist there.
// The path is relative to the context and slash-separated. Links are not followed. It returns an *InputError if the Source
// is invalid.
func (s Source) Covers(name string, dir bool) (bool, error) {
	paths, err := cleanPaths(s.Paths)
	if err != nil {
		return false, err
	}
	rules, err := newRules(s)
	if err != nil {
		return false, err
	}
	names := components(path.Clean(name))
	return slices.ContainsFunc(paths, func(p Path) bool {
		top := components(p.Path)
		return len(top) <= len(names) && slices.Equal(top, names[:len(top)]) && reaches(rules, p.Path, names, dir)
	}), nil
}

// reaches reports whether the walk of the source path top visits the entry with these names.
func reaches(r rules, top string, names []string, dir bool) bool {
	ignored, s := r.top(top, true)
	for i := len(components(top)) + 1; i <= len(names) && !ignored; i++ {
		at := path.Join(names[:i]...)
		if i == len(names) && !dir {
			return !r.file(at, s)
		}
		ignored, s = r.dir(at, s)
	}
	return !ignored
}
