package options

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Compression says how the builder compresses the layers that it makes. The zero value means that none is given: BuildKit then uses gzip.
type Compression struct {
	Type  string // gzip, zstd, estargz or uncompressed
	Level string // a decimal number; empty: the default of the type
}

const (
	gzip         = "gzip"
	uncompressed = "uncompressed"
)

// compressions are the types that BuildKit has.
var compressions = []string{gzip, "zstd", "estargz", uncompressed}

// highestLevels has the highest level of each type that has levels. The lowest is 0. The limits are those of compress/gzip and of the zstd
// command.
var highestLevels = map[string]int{gzip: 9, "zstd": 22, "estargz": 9}

// The attributes of BuildKit's exporters.
const (
	attrCompression      = "compression"
	attrCompressionLevel = "compression-level"
)

// Group returns the rows of the table.
func (c *Compression) Group() Group {
	return Group{
		Name: "compression", Title: "How layers are compressed", Commands: []string{"solve"},
		Options: []Option{
			{Name: Compress, Arg: "COMPRESSION", Value: "TYPE[,level=N]", Choices: compressions, into: value{kindText, c.set},
				Unset: gzip, Help: "Compression of the layers that the build makes: gzip, zstd, estargz or uncompressed"},
		},
	}
}

// set parses TYPE[,level=N].
func (c *Compression) set(text string) error {
	kind, field, more := strings.Cut(text, ",")
	level, isLevel := strings.CutPrefix(field, "level=")
	switch {
	case !slices.Contains(compressions, kind):
		return wrong(text, "must be %s, and a level may follow, as in zstd,level=3", alternatives(compressions))
	case more && !isLevel:
		return wrong(text, "%q must be level=N", field)
	}
	*c = Compression{Type: kind}
	if !more {
		return nil
	}
	highest, ok := highestLevels[kind]
	if !ok {
		return wrong(text, "%s has no level", kind)
	}
	n, err := strconv.ParseUint(level, 10, 31)
	if err != nil || int(n) > highest {
		return wrong(text, "the level of %s must be a whole number from 0 to %d, not %q", kind, highest, level)
	}
	c.Level = strconv.FormatUint(n, 10)
	return nil
}

// CompressionOf returns the compression that the attributes of an export name.
func CompressionOf(attrs map[string]string) Compression {
	return Compression{Type: attrs[attrCompression], Level: attrs[attrCompressionLevel]}
}

// Attrs returns the attributes for an export. There are none if no compression is given.
func (c Compression) Attrs() map[string]string {
	attrs := map[string]string{attrCompression: c.Type, attrCompressionLevel: c.Level}
	maps.DeleteFunc(attrs, func(_, v string) bool { return v == "" })
	return attrs
}

// IsGiven reports whether the user has given a compression.
func (c Compression) IsGiven() bool { return c != Compression{} }

// Key returns a text that differs between compressions, such as "zstd 9". It is empty for gzip without a level, BuildKit's default.
func (c Compression) Key() string {
	return strings.TrimSpace(strings.TrimPrefix(c.Type, gzip) + " " + c.Level)
}

// String returns the compression for messages, such as "gzip" or "zstd 9".
func (c Compression) String() string {
	if c.Type == "" {
		c.Type = gzip
	}
	return strings.TrimSpace(c.Type + " " + c.Level)
}
