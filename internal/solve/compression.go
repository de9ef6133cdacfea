package solve

import (
	"fmt"
	"maps"
	"slices"

	"github.com/rtbuild/rtbuild/internal/options"
)

// Compression returns the compression of layers that are new to the builder. It is the zero value for BuildKit's default, and for
// exports without layers.
func (e Export) Compression() options.Compression {
	if !e.IsNamed() {
		return options.Compression{}
	}
	return options.CompressionOf(e.Attrs)
}

// WithCompression returns the export with a compression, unless it has one of its own or no layers. Layers that exist already keep theirs:
// BuildKit would have to pull the base to compress it again.
func (e Export) WithCompression(c options.Compression) Export {
	if !e.IsNamed() || e.Compression().IsGiven() {
		return e
	}
	attrs := c.Attrs()
	maps.Copy(attrs, e.Attrs)
	e.Attrs = attrs
	return e
}

// compression returns the compression of the exports, which is the same for all (see SameCompression), as llb.Graph takes it.
func (j Job) compression() string {
	for _, e := range j.Exports {
		if key := e.Compression().Key(); key != "" {
			return key
		}
	}
	return ""
}

// SameCompression returns an error if exports compress differently: a builder compresses a layer only once, for its first export.
func SameCompression(exports ...Export) error {
	exports = slices.DeleteFunc(slices.Clone(exports), func(e Export) bool { return !e.IsNamed() })
	for _, e := range exports {
		if one, other := exports[0].Compression(), e.Compression(); one.Key() != other.Key() {
			return fmt.Errorf("one build cannot compress its layers both by %s and by %s: run the command once for each", one, other)
		}
	}
	return nil
}
