package solve

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Compression returns the compression for layers that are new to the builder, such as "zstd 9". It is empty for gzip, which is
// BuildKit's default, and for exports without layers.
func (e Export) Compression() string {
	if !e.IsNamed() {
		return ""
	}
	return strings.TrimSpace(strings.TrimPrefix(e.Attrs["compression"], "gzip") + " " + e.Attrs["compression-level"])
}

// compression returns the compression of the exports, which is the same for all (see SameCompression).
func (j Job) compression() string {
	for _, e := range j.Exports {
		if c := e.Compression(); c != "" {
			return c
		}
	}
	return ""
}

// SameCompression returns an error if exports compress differently: a builder compresses a layer only once, for its first export.
func SameCompression(exports ...Export) error {
	exports = slices.DeleteFunc(slices.Clone(exports), func(e Export) bool { return !e.IsNamed() })
	for _, e := range exports {
		if one, other := exports[0].Compression(), e.Compression(); one != other {
			return fmt.Errorf("one build cannot compress its layers both by %s and by %s: run the command once for each",
				cmp.Or(one, "gzip"), cmp.Or(other, "gzip"))
		}
	}
	return nil
}
