package solve

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/client"
)

// TestPrecompress: layers are precompressed like the job's first image, or not at all if that would be useless.
func TestPrecompress(t *testing.T) {
	export := func(kind string, attrs map[string]string) Export {
		return Export{ExportEntry: client.ExportEntry{Type: kind, Attrs: attrs}}
	}
	image := ImageExport(true, "registry.example.com/agent:lock")
	tests := []struct {
		name string
		job  Job
		want map[string]string
	}{
		{"published", Job{Exports: []Export{image}}, map[string]string{"oci-mediatypes": "true"}},
		{"by zstd, beside a directory", Job{Exports: []Export{
			export(client.ExporterLocal, nil), export(client.ExporterOCI, map[string]string{"compression": "zstd", "compression-level": "9", "name": "agent"}),
		}}, map[string]string{"oci-mediatypes": "true", "compression": "zstd", "compression-level": "9"}},
		{"a directory", Job{Exports: []Export{export(client.ExporterLocal, nil)}}, nil},
		{"no export", Job{}, nil},
		{"caches of other builders", Job{Exports: []Export{image}, Imports: []client.CacheOptionsEntry{{Type: "registry"}}}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := (&Runner{}).precompressor(t.Context(), test.job)
			defer a.stop()
			if diff := cmp.Diff(test.want, a.attrs); diff != "" {
				t.Errorf("attributes (-want +got):\n%s", diff)
			}
			if test.want == nil {
				a.start(nil) // there is no builder, so it must not start a solve
			}
		})
	}
}
