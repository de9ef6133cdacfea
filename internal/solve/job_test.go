package solve

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/client"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/imagebuild"
)

func request(arch string) imagebuild.Request {
	return imagebuild.Request{Platform: ocispecs.Platform{OS: "linux", Architecture: arch}}
}

func TestJobAttrs(t *testing.T) {
	for _, tt := range []struct {
		name string
		job  Job
		want map[string]string
	}{
		{"nothing asked", Job{Requests: []imagebuild.Request{request("amd64")}}, map[string]string{"platform": "linux/amd64"}},
		{"attestation, two platforms", Job{
			Requests: []imagebuild.Request{request("amd64"), request("arm64")}, Attrs: map[string]string{"attest:sbom": ""},
		}, map[string]string{"platform": "linux/amd64,linux/arm64", "attest:sbom": ""}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, tt.job.attrs()); diff != "" {
				t.Error(diff)
			}
			if tt.job.Attrs["platform"] != "" {
				t.Error("the job was changed")
			}
		})
	}
}

// TestJobEntries: entries sets annotations and the attributes whose defaults differ between versions, and does not change the
// exports.
func TestJobEntries(t *testing.T) {
	docker := Export{ExportEntry: client.ExportEntry{Type: client.ExporterDocker, Attrs: map[string]string{"name": "x"}}}
	oci := Export{ExportEntry: client.ExportEntry{Type: client.ExporterOCI, Attrs: map[string]string{"name": "y"}}}
	plain := Export{ExportEntry: client.ExportEntry{Type: client.ExporterImage, Attrs: map[string]string{"oci-mediatypes": "false"}}}
	tar := Export{ExportEntry: client.ExportEntry{Type: client.ExporterTar}}
	job := Job{
		Exports: []Export{DigestExport("repo"), docker, oci, plain, tar}, Annotations: map[string]string{"annotation-index.a": "b"},
	}
	got := job.entries()
	for i, want := range []map[string]string{
		{
			"name": "repo", "push": "true", "push-by-digest": "true", "store": "false",
			"oci-mediatypes": "true", "oci-artifact": "true", "annotation-index.a": "b",
		},
		{"name": "x", "oci-mediatypes": "true", "oci-artifact": "true"},
		{"name": "y", "oci-mediatypes": "true", "oci-artifact": "true", "annotation-index.a": "b"},
		{"oci-mediatypes": "false", "annotation-index.a": "b"},
		nil,
	} {
		if diff := cmp.Diff(want, got[i].Attrs); diff != "" {
			t.Errorf("export %d: %s", i, diff)
		}
	}
	if len(oci.Attrs) != 1 {
		t.Error("the export was changed")
	}
}

func TestCacheImports(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       []gateway.CacheOptionsEntry
		err        string
	}{
		{name: "none"},
		{name: "two", text: `[{"Type":"registry","Attrs":{"ref":"a/b"}},{"Type":"local","Attrs":{"digest":"sha256:x","src":"d"}}]`,
			want: []gateway.CacheOptionsEntry{
				{Type: "registry", Attrs: map[string]string{"ref": "a/b"}},
				{Type: "local", Attrs: map[string]string{"digest": "sha256:x", "src": "d"}},
			}},
		{name: "nonsense", text: "{", err: "reading the caches to import"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := cacheImports(map[string]string{"cache-imports": tt.text})
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("got %v, want %q", err, tt.err)
				}
				return
			}
			if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
				t.Error(err, diff)
			}
		})
	}
}

// TestExplain: untyped errors of the solver become typed errors.
func TestExplain(t *testing.T) {
	r := &Runner{Builder: &Builder{Addr: "unix:///x"}}
	job := Job{Exports: []Export{DigestExport("host/repo")}}
	for _, tt := range []struct {
		name, text string
		want       any // the type
		message    string
	}{
		{"push", "failed to solve: failed to push host/repo: unexpected status from PUT request: 500", new(*PushError), "pushing host/repo: "},
		{"a scanner", "failed to solve: failed to resolve source metadata for 127.0.0.1:5000/scan:1: failed to do request: no such host",
			new(*imagebuild.ImageError), "the builder cannot resolve image 127.0.0.1:5000/scan:1: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := r.explain(context.Background(), job, nil, errors.New(tt.text))
			if !errors.As(err, tt.want) || !strings.HasPrefix(err.Error(), tt.message) {
				t.Errorf("got %T: %v", err, err)
			}
		})
	}
}
