package tags

import (
	"path"
	"slices"
	"strings"
)

// A link of the source is hashed as what it points to, so a copy of what it points to is always right. It stays a link
// where that says the same: if in the image, from where it lies there, its text leads to a copied entry with the very
// content that was hashed under the link's name. That entry need not be what the link points to here, and often is.

// settleLinks decides for every copied link below n whether it stays one. What lies below a link that stays is no entry
// of the copy.
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

// resolve follows the text of a link through the copied tree. It gives the links that the way passes through.
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
			// Behind a link, ".." is another directory than the one that holds the link.
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

// leadsTo says whether the way to n, if n stays a link, comes by l.
func leadsTo(n, l *node) bool {
	return n == l || slices.ContainsFunc(n.via, func(v *node) bool { return leadsTo(v, l) })
}

// same says whether two nodes would be copied alike, links being what they point to.
func same(a, b *node) bool {
	if a.dir != b.dir || a.exec != b.exec || a.sha256 != b.sha256 {
		return false
	}
	return slices.EqualFunc(copies(a), copies(b), func(x, y *node) bool { return x.name == y.name && same(x, y) })
}

func copies(n *node) []*node {
	return slices.DeleteFunc(slices.Clone(n.children), func(c *node) bool { return !c.copied })
}
