package buildflags

import (
	"context"
	"errors"
	"fmt"

	"github.com/moby/buildkit/client"

	"github.com/rtbuild/rtbuild/internal/options"
	"github.com/rtbuild/rtbuild/internal/solve"
)

// Exports are the exports of a build.
type Exports struct {
	All     []solve.Export
	Publish bool // write tags to the repository
}

// ReadExports reads the exports that the user requests. Images and archives without a name get the source image's. An export that pushes
// under that name is dropped, because publishing pushes it in the right order.
func ReadExports(ctx context.Context, o *options.Outputs, source string) (Exports, error) {
	exports := Exports{Publish: o.Push || len(o.Outputs) == 0 && !o.Load}
	for _, text := range o.Outputs {
		e, err := solve.ParseOutput(text)
		if err != nil {
			return Exports{}, err
		}
		if e.IsImage() && e.Attrs["name"] == "" && e.Attrs["push"] == "true" {
			exports.Publish = true
			continue
		}
		if e.IsNamed() && e.Attrs["name"] == "" {
			e.Attrs["name"] = source
		}
		exports.All = append(exports.All, e)
	}
	if o.Load {
		e, err := solve.LoadExport(ctx, source)
		if err != nil {
			return Exports{}, err
		}
		exports.All = append(exports.All, e)
	}
	return exports, nil
}

// Check refuses exports that BuildKit would refuse only after the build. Some exporters take only one platform. Attestations need an image
// with a name.
func (x Exports) Check(severalPlatforms, attested bool) error {
	for _, e := range x.All {
		if attested && e.IsNamed() && e.Attrs["name"] == "*" {
			return fmt.Errorf("-o type=%s,name=* does not work with attestations: BuildKit then takes * for a name; "+
				"name the image, or leave --attest, --sbom and --provenance out", e.Kind())
		}
		if severalPlatforms && e.Type == client.ExporterDocker {
			return errors.New("type=docker and --load hold one platform: give one --platform, or use -o type=oci")
		}
	}
	all := x.All
	if x.Publish {
		all = append([]solve.Export{solve.ImageExport(true)}, all...)
	}
	return solve.SameCompression(all...)
}
