package tags

import (
	"crypto/md5" //nolint:gosec // the scheme is the original's
	"crypto/sha256"
	"slices"
	"strings"
)

// node is a file or directory as the walk met it: a link is what it points to. Its children are written by the
// goroutine that lists it, everything else before it is known to others; the sums by the goroutine that reads it.
type node struct {
	name   string
	path   string // relative to the context, slash-separated, by the names of links
	parent *node

	dir  bool
	real string // of a directory: its absolute path without links
	top  bool   // it is a source path: cycles are looked for up to here

	isLink  bool
	link    string // the link's text
	outside bool   // the link leaves the context

	hash     bool // it lies in a hashed source path
	hashed   bool // it counts for the digest; of a directory: something below it does
	copied   bool // the same for the copy
	linked   bool // the copy of this link stays a link
	via      []*node
	exec     bool
	size     int64
	md5      [md5.Size]byte
	sha256   [sha256.Size]byte
	children []*node // by name, once the walk is over
}

// file is the path by which a file is opened.
func (n *node) file() string {
	if n.parent == nil || n.top {
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

// join is the path of an entry of the directory at p.
func join(p, name string) string {
	if p == "." {
		return name
	}
	return p + "/" + name
}

// find gives the node that the names lead to. It must be there.
func (n *node) find(names []string) *node {
	for _, name := range names {
		n = n.child(name)
	}
	return n
}

// attach makes top the entry of n that the names lead to, with plain directories on the way where there is none.
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
