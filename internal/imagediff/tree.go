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

// tree is what a layer has, while it is read.
type tree struct {
	root  *node
	spent *spent // by the layer's image
}

// at gives the node of a path, and makes it and the directories that it is in.
func (t *tree) at(path string) (*node, error) {
	n, length := t.root, 0
	for _, name := range components(path) {
		n.enter()
		length += len("/") + len(name)
		child, ok := n.children[name]
		if !ok {
			if err := t.spent.take(1, entryCost+int64(length)); err != nil {
				return nil, err
			}
			child = &node{}
			n.children[strings.Clone(name)] = child
		}
		n = child
	}
	return n, nil
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
func (t *tree) put(path string, e *Entry) error {
	at, err := t.at(path)
	switch {
	case err != nil:
		return err
	case e.Type == Directory && at.link == "":
		at.entry = e
	default:
		*at = node{entry: e, gone: true, opaque: true}
	}
	return nil
}

// putLink makes a hard link. Its target is in this layer, if it stands there already, else in those below.
func (t *tree) putLink(path, target string) error {
	to := t.root.find(target)
	if to != nil && to.entry != nil {
		return t.put(path, to.entry)
	}
	if to != nil && to.link != "" {
		target = to.link
	}
	at, err := t.at(path)
	if err == nil {
		*at = node{link: target, gone: true, opaque: true}
	}
	return err
}

// whiteout takes away what the layers below have at a path.
func (t *tree) whiteout(path string) error {
	at, err := t.at(path)
	if err == nil {
		at.gone, at.opaque = true, true
	}
	return err
}

// clear takes away what the layers below have in a directory.
func (t *tree) clear(path string) error {
	at, err := t.at(path)
	if err == nil {
		at.enter()
		at.opaque = true
	}
	return err
}
