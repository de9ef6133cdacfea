package llb

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

func (g *Graph) mirrored(url string) string { return g.Runtime.Mirrored(url) }

// endpoints returns addresses after mirrors. For GitHub it adds the host to which GitHub redirects.
func (g *Graph) endpoints(urls ...string) []string {
	var all []string
	for _, url := range urls {
		all = append(all, g.mirrored(url))
		if strings.HasPrefix(all[len(all)-1], "https://github.com/") {
			all = append(all, githubFiles)
		}
	}
	return all
}

// githubFiles is the host to which GitHub redirects downloads of release files.
const githubFiles = "https://release-assets.githubusercontent.com"

// mirrorScript returns sed commands that replace the given addresses in a text by their mirrors, longest first, or "" if none has a mirror.
// Mirrors of other addresses are left out, because they would change the step's cache key.
func (g *Graph) mirrorScript(addresses ...string) string {
	prefixes := slices.SortedFunc(maps.Keys(g.Runtime.Mirrors), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b))
	})
	prefixes = slices.DeleteFunc(prefixes, func(prefix string) bool {
		return !slices.ContainsFunc(addresses, func(address string) bool {
			return strings.HasPrefix(address, prefix) || strings.HasPrefix(prefix, address)
		})
	})
	var script strings.Builder
	for _, prefix := range prefixes {
		script.WriteString(sedReplace(prefix, g.Runtime.Mirrors[prefix]) + "\n")
	}
	return script.String()
}
