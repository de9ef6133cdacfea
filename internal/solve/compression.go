package solve

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/solver/llbsolver/compat"
)

// compatibilityVersion is BuildKit's number for the way in which it puts images together. This one stands for v0.15 to v0.30.
// v0.30 is the first that reads the number, and knows no later one; newer daemons then do as it does, older ones do so anyway.
const compatibilityVersion = compat.CompatibilityVersion015

// Compression is what the export asks for, where layers are new to the builder: "zstd 9". It is empty for gzip, which BuildKit
// makes unasked, and for exports that have no layers.
func (e Export) Compression() string {
	if !e.IsNamed() {
		return ""
	}
	return strings.TrimSpace(strings.TrimPrefix(e.Attrs["compression"], "gzip") + " " + e.Attrs["compression-level"])
}

// compression is that of the exports, which is one (see SameCompression).
func (j Job) compression() string {
	for _, e := range j.Exports {
		if c := e.Compression(); c != "" {
			return c
		}
	}
	return ""
}

// SameCompression refuses exports that compress differently: a builder compresses a layer once, for whichever export comes first.
func SameCompression(exports ...Export) error {
	exports = slices.DeleteFunc(slices.Clone(exports), func(e Export) bool { return !e.IsNamed() })
	for _, e := range exports {
		if one, other := exports[0].Compression(), e.Compression(); one != other {
			return fmt.Errorf("one build compresses its layers in one way, not by %s and by %s: run the command once for each",
				cmp.Or(one, "gzip"), cmp.Or(other, "gzip"))
		}
	}
	return nil
}

// entry is the export as BuildKit takes it. It sets what versions of BuildKit choose differently: OCI's media types, and attestations as OCI
// artifacts, for which Docker's media types have no place.
func (e Export) entry(annotations map[string]string) client.ExportEntry {
	entry := e.ExportEntry
	if !e.IsNamed() {
		return entry
	}
	entry.Attrs = map[string]string{"oci-mediatypes": "true"}
	maps.Copy(entry.Attrs, e.Attrs)
	if oci, _ := strconv.ParseBool(entry.Attrs["oci-mediatypes"]); oci && entry.Attrs["oci-artifact"] == "" {
		entry.Attrs["oci-artifact"] = "true"
	}
	if e.Type != client.ExporterDocker {
		maps.Copy(entry.Attrs, annotations)
	}
	return entry
}
