package tags

import (
	"path"
	"slices"
	"strings"
)

// A link of the source is hashed as its target, so copying the target is always correct. The copy keeps the link itself if
// that is equivalent: in the image, the link's text must lead to a copied entry with the content that was hashed under the
// link's name. That entry may differ from the link's target in the context.

// settleLinks decides for every copied link below n whether the copy keeps it as a link. Entries below a kept link are not
// copied.
func settleLinks(n *node) {
	for _, c := range n.children {
		if !c.copied {
			continue
		}
		if c.isLink && !c.outside {
			c.via, c.linked = resolve(c)
		}
		if !c.linked {
			c.via = nil
			settleLinks(c)
		}
	}
}

// resolve follows the text of a link through the copied tree. It returns the links on the way, and whether the link's
// content is at the end of it.
func resolve(l *node) (via []*node, ok bool) {
	if path.IsAbs(l.link) {
		return nil, false
	}
	at := l.parent
	for _, name := range strings.Split(l.link, "/") {
		switch name {
		case "", ".":
			continue
		case "..":
			// After a link, ".." is not the directory that contains the link.
			if at = at.parent; len(via) > 0 {
				return nil, false
			}
		default:
			at = at.child(name)
		}
		if at == nil || !at.copied || leadsTo(at, l) {
			return nil, false
		}
		if at.isLink {
			via = append(via, at)
		}
	}
	return via, same(at, l)
}

// leadsTo reports whether n is l, or a link whose resolution passes through l.
func leadsTo(n, l *node) bool {
	return n == l || slices.ContainsFunc(n.via, func(v *node) bool { return leadsTo(v, l) })
}

// same reports whether two nodes have the same copy, with links replaced by their targets.
func same(a, b *node) bool {
	if a.dir != b.dir || a.exec != b.exec || a.sha256 != b.sha256 {
		return false
	}
	return slices.EqualFunc(copies(a), copies(b), func(x, y *node) bool { return x.name == y.name && same(x, y) })
}

func copies(n *node) []*node {
	return slices.DeleteFunc(slices.Clone(n.children), func(c *node) bool { return !c.copied })
}
