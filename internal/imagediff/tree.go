package imagediff

import "strings"

// node is what one layer has at a path. The zero value says nothing but that the path is there: as the layers below have it.
type node struct {
	entry    *Entry           // nil if the layer does not describe the path itself
	link     string           // the path in the layers below that this is a hard link to
	gone     bool             // what the layers below have here is taken away
	opaque   bool             // what the layers below have in this directory does not show
	children map[string]*node // nil if the layer says nothing of what is in it
}

// unseen is a directory that no layer describes.
var unseen = &Entry{Type: Directory, Mode: 0o755}

// at gives the node of a path, and makes it and the directories that it is in.
func (n *node) at(path string) *node {
	for _, name := range components(path) {
		n.enter()
		child, ok := n.children[name]
		if !ok {
			child = &node{}
			n.children[name] = child
		}
		n = child
	}
	return n
}

// enter makes a directory of what is none, since something is said of what is in it.
func (n *node) enter() {
	if n.link != "" || n.entry != nil && n.entry.Type != Directory {
		*n = node{entry: unseen, gone: true, opaque: true}
	}
	if n.children == nil {
		n.children = map[string]*node{}
	}
}

// find gives the node of a path, or nil.
func (n *node) find(path string) *node {
	for _, name := range components(path) {
		if n = n.children[name]; n == nil {
			return nil
		}
	}
	return n
}

// components are the names in a path; the root has none.
func components(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
}

// put sets what is at a path. A directory keeps what the layer has put into it; everything else takes the path's place.
func (n *node) put(path string, e *Entry) {
	at := n.at(path)
	if e.Type == Directory && at.link == "" {
		at.entry = e
		return
	}
	*at = node{entry: e, gone: true, opaque: true}
}

// putLink makes a hard link. Its target is in this layer, if it stands there already, else in those below.
func (n *node) putLink(path, target string) {
	switch to := n.find(target); {
	case to != nil && to.entry != nil:
		n.put(path, to.entry)
	case to != nil && to.link != "":
		*n.at(path) = node{link: to.link, gone: true, opaque: true}
	default:
		*n.at(path) = node{link: target, gone: true, opaque: true}
	}
}

// whiteout takes away what the layers below have at a path.
func (n *node) whiteout(path string) {
	at := n.at(path)
	at.gone, at.opaque = true, true
}

// clear takes away what the layers below have in a directory.
func (n *node) clear(path string) {
	at := n.at(path)
	at.enter()
	at.opaque = true
}
