package imagebuild

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/frontend/dockerui"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// asked is a builder that has been asked for something.
type asked struct {
	gateway.Client
	opts gateway.BuildOpts
}

func (a asked) BuildOpts() gateway.BuildOpts { return a.opts }

func TestNewScanner(t *testing.T) {
	workers := []gateway.WorkerInfo{{Platforms: []ocispecs.Platform{{OS: "linux", Architecture: "aarch64"}, {OS: "linux", Architecture: "amd64"}}}}
	tests := []struct {
		name    string
		opts    map[string]string
		workers []gateway.WorkerInfo
		want    *dockerui.SBOM
		err     string
	}{
		{"nothing", nil, nil, nil, ""},
		{"provenance alone", map[string]string{"attest:provenance": "mode=max"}, nil, nil, ""},
		{"default generator", map[string]string{"attest:sbom": ""}, workers,
			&dockerui.SBOM{Generator: "docker.io/docker/buildkit-syft-scanner:stable-1", Parameters: map[string]string{}}, ""},
		{"generator and parameters", map[string]string{"attest:sbom": "generator=example.com/scanner,depth=2"}, workers,
			&dockerui.SBOM{Generator: "example.com/scanner:latest", Parameters: map[string]string{"depth": "2"}}, ""},
		{"generator that is none", map[string]string{"attest:sbom": "generator=Bad Ref"}, workers, nil, `invalid generator "Bad Ref"`},
		{"no worker", map[string]string{"attest:sbom": ""}, nil, nil, "does not tell what it runs on"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := NewScanner(asked{opts: gateway.BuildOpts{Opts: tt.opts, Workers: tt.workers}})
			if (err != nil) != (tt.err != "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Fatalf("got error %v, want %q", err, tt.err)
			}
			if err != nil {
				return
			}
			if diff := cmp.Diff(tt.want, s.SBOM); diff != "" {
				t.Errorf("want -, got +:\n%s", diff)
			}
			if s.SBOM != nil && s.Platform.Architecture != "arm64" {
				t.Errorf("it runs on %+v", s.Platform)
			}
		})
	}
}
