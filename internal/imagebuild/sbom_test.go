package imagebuild_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerui"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/imagebuild"
	"github.com/rtbuild/rtbuild/internal/testkit/fakegateway"
)

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
		{"generator that is none", map[string]string{"attest:sbom": "generator=Bad Ref"}, workers, nil, `invalid SBOM generator "Bad Ref"`},
		{"no worker", map[string]string{"attest:sbom": ""}, nil, nil, "does not report its platform"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := fakegateway.New()
			c.Options.Opts, c.Options.Workers = tt.opts, tt.workers
			s, err := imagebuild.NewScanner(c)
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

// TestAttest: each image gets a bill of materials, made by the scanner on the builder's own platform, of what the image says to scan.
func TestAttest(t *testing.T) {
	const scanner = "docker.io/docker/buildkit-syft-scanner:stable-1"
	for _, tt := range []struct {
		name    string
		sbom    *dockerui.SBOM
		image   *fakegateway.Image
		asked   []string
		scanned []string
		err     imagebuild.Kind
		fails   bool
	}{
		{name: "nobody asks"},
		{name: "two images", sbom: &dockerui.SBOM{Generator: scanner}, image: &fakegateway.Image{Config: `{"config":{"Cmd":["/bin/scan"]}}`}, asked: []string{scanner},
			scanned: []string{"linux/amd64", "linux/arm64"}},
		{name: "no such scanner", sbom: &dockerui.SBOM{Generator: scanner}, asked: []string{scanner}, fails: true, err: imagebuild.Absent},
		{name: "a scanner that may not be read", sbom: &dockerui.SBOM{Generator: scanner}, image: &fakegateway.Image{Err: fakegateway.ErrDenied},
			asked: []string{scanner}, fails: true, err: imagebuild.Denied},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := fakegateway.New()
			if tt.image != nil {
				c.Images[scanner] = *tt.image
			}
			var images []*imagebuild.Image
			for _, arch := range []string{"amd64", "arm64"} {
				scan := llb.Scratch().File(llb.Mkdir("/"+arch, 0o755), llb.WithCustomName(arch))
				images = append(images, &imagebuild.Image{Platform: ocispecs.Platform{OS: "linux", Architecture: arch}, Scan: scan})
			}
			res := gateway.NewResult()
			s := &imagebuild.Scanner{Client: c, Platform: ocispecs.Platform{OS: "linux", Architecture: "riscv64"}, SBOM: tt.sbom}
			err := s.Attest(t.Context(), res, images)
			var image *imagebuild.ImageError
			if errors.As(err, &image) != tt.fails || (err != nil) != tt.fails || image != nil && image.Kind() != tt.err {
				t.Errorf("got %v", err)
			}
			if got := slices.Sorted(maps.Keys(res.Attestations)); !slices.Equal(got, tt.scanned) || !slices.Equal(c.Refs(), tt.asked) {
				t.Errorf("scanned %q, asked for %q", got, c.Refs())
			}
			for i, solve := range c.Solves() {
				if p := solve.Vertices[len(solve.Vertices)-1].Platform; p.Architecture != "riscv64" || solve.Names()[0] != images[i].Platform.Architecture {
					t.Errorf("scan %d is of %q, on %s", i, solve.Names(), p.Architecture)
				}
			}
			if len(c.Solves()) != len(tt.scanned) {
				t.Errorf("solved %d times", len(c.Solves()))
			}
		})
	}
}
