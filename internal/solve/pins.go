package solve

import (
	"maps"
	"strconv"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/solver/llbsolver/compat"
)

// compatibilityVersion is BuildKit's number for the way in which it puts images together. This one stands for v0.15 to v0.30.
// v0.30 is the first that reads the number, and knows no later one; newer daemons then do as it does, older ones do so anyway.
const compatibilityVersion = compat.CompatibilityVersion015

// entry is the export as BuildKit takes it. What BuildKit would choose otherwise in one version than in another is said: OCI's
// media types, and attestations as OCI artifacts, which Docker's media types have no place for.
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
