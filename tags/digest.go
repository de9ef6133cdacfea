package tags

import (
	"crypto/md5" //nolint:gosec // the scheme is the original's
	"encoding/hex"
	"slices"
	"strings"
)

// dirDigest returns a directory's digest (section 6.5). It covers one descriptor for each hashed entry. The descriptors are
// sorted as whole strings: files come before directories, and both are in the order of their digests.
func dirDigest(n *node) [md5.Size]byte {
	var all []string
	for _, c := range n.children {
		if c.hashed {
			all = append(all, descriptor(c))
		}
	}
	slices.Sort(all)
	return md5.Sum([]byte(strings.Join(all, "\x00\x00"))) //nolint:gosec // as above
}

func descriptor(n *node) string {
	kind, sum := "data:", n.md5
	if n.dir {
		kind, sum = "dirhash:", dirDigest(n)
	}
	text := make([]byte, 0, len("dirhash:")+2*len(sum)+len("\x00name:")+len(n.name))
	text = hex.AppendEncode(append(text, kind...), sum[:])
	return string(append(append(text, "\x00name:"...), n.name...))
}
