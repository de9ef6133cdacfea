package tags

import (
	"crypto/md5" //nolint:gosec // the scheme is the original's
	"crypto/sha256"
	"slices"
	"strings"
)

// node is a file or directory of the walk; a link is represented by its target. The goroutine that lists a directory
// writes its children, the goroutine that reads a file writes its sums. Other fields are set before a node is shared.
type node struct {
	name   string
	path   string // relative to the context, slash-separated, with links unresolved
	parent *node

	dir  bool
	real string // of a directory: its absolute path, links resolved
	top  bool   // it is a source path; the search for loops stops here

	isLink  bool
	link    string // the link's text
	text    bool   // a regular file stands for the link
	outside bool   // the link leaves the context

	hash     bool    // it is in a hashed source path
	hashed   bool    // it counts for the digest; of a directory: something below it does
	copied   bool    // it is copied; of a directory: something below it is
	linked   bool    // the copy keeps this link as a link
	via      []*node // the links that a kept link passes through
	exec     bool
	size     int64
	md5      [md5.Size]byte
	sha256   [sha256.Size]byte
	children []*node // by name, once the walk is over
}

// file returns the path that opens the file.
func (n *node) file() string {
	if n.parent == nil || n.top || n.text && n.real != "" {
		return n.real
	}
	return n.parent.real + "/" + n.name
}

func (n *node) child(name string) *node {
	i, found := slices.BinarySearchFunc(n.children, name, func(c *node, name string) int {
		return strings.Compare(c.name, name)
	})
	if !found {
		return nil
	}
	return n.children[i]
}

// join returns the path of an entry of the directory p.
func join(p, name string) string {
	if p == "." {
		return name
	}
	return p + "/" + name
}

// find returns the node at the end of the names, which must exist.
func (n *node) find(names []string) *node {
	for _, name := range names {
		n = n.child(name)
	}
	return n
}

// attach puts top at the end of the names below n, and creates missing directories on the way.
func (n *node) attach(names []string, top *node) {
	for _, name := range names[:len(names)-1] {
		n = n.ensure(name)
	}
	top.name, top.parent = names[len(names)-1], n
	n.children = append(n.children, top)
	n.sort()
}

func (n *node) ensure(name string) *node {
	if c := n.child(name); c != nil {
		return c
	}
	c := &node{name: name, path: join(n.path, name), parent: n, dir: true}
	n.children = append(n.children, c)
	n.sort()
	return c
}

func (n *node) sort() {
	slices.SortFunc(n.children, func(a, b *node) int { return strings.Compare(a.name, b.name) })
}

// walk calls visit for n and all below it, parents first, in the order of their names.
func (n *node) walk(visit func(*node)) {
	visit(n)
	for _, c := range n.children {
		c.walk(visit)
	}
}
