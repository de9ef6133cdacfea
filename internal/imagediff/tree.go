package imagediff

import "strings"

// node is a path in one layer. The zero value is a path that exists as in the layers below.
type node struct {
	entry    *Entry           // nil if the layer does not describe the path itself
	link     string           // the target of a hard link into the layers below
	gone     bool             // the layer removes what the layers below have at the path
	opaque   bool             // the layer hides what the layers below have in this directory
	children map[string]*node // nil if the layer has nothing below the path
}

// implied is a directory that no layer describes.
var implied = &Entry{Type: Directory, Mode: 0o755}

// tree is a layer's tree while the layer is read.
type tree struct {
	root  *node
	usage *usage // of the layer's image
}

// at returns the node of a path, and creates it and its parents if necessary.
func (t *tree) at(path string) (*node, error) {
	n, length := t.root, 0
	for _, name := range components(path) {
		n.enter()
		length += len("/") + len(name)
		child, ok := n.children[name]
		if !ok {
			if err := t.usage.add(1, entryCost+int64(length)); err != nil {
				return nil, err
			}
			child = &node{}
			n.children[strings.Clone(name)] = child
		}
		n = child
	}
	return n, nil
}

// enter turns the node into a directory if it is not one, so that it can have children.
func (n *node) enter() {
	if n.link != "" || n.entry != nil && n.entry.Type != Directory {
		*n = node{entry: implied, gone: true, opaque: true}
	}
	if n.children == nil {
		n.children = map[string]*node{}
	}
}

// find returns the node of a path, or nil.
func (n *node) find(path string) *node {
	for _, name := range components(path) {
		if n = n.children[name]; n == nil {
			return nil
		}
	}
	return n
}

// components splits a path into its names. The root has none.
func components(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
}

// put sets the entry of a path. A directory keeps its children; any other entry replaces the node.
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

// putLink adds a hard link. Its target is in this layer, if the layer already has it, else in the layers below.
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

// whiteout removes what the layers below have at a path.
func (t *tree) whiteout(path string) error {
	at, err := t.at(path)
	if err == nil {
		at.gone, at.opaque = true, true
	}
	return err
}

// clear removes what the layers below have in a directory.
func (t *tree) clear(path string) error {
	at, err := t.at(path)
	if err == nil {
		at.enter()
		at.opaque = true
	}
	return err
}
