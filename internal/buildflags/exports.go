package buildflags

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/distribution/reference"
	"github.com/moby/buildkit/client"

	"github.com/rtbuild/rtbuild/internal/options"
	"github.com/rtbuild/rtbuild/internal/solve"
)

// Exports are the exports of a build.
type Exports struct {
	All         []solve.Export
	Publish     bool                // write tags to the repository
	Tags        []string            // of the user, in the repository that is published to
	Compression options.Compression // of what is published

	alike []solve.Export // the exports that must have one compression, publishing included
}

// ReadExports reads the exports that the user requests, with the compression for those that name none. Images and archives without a name
// get the source image's, and those of --tag. An export that pushes under that name is dropped, because publishing pushes it in the
// right order. If the image is published, names in other repositories than the source image's are pushed by an export of their own.
//
// An invalid output is an [*options.Error]. It is an error without a type if --load is given and there is no docker command.
func ReadExports(ctx context.Context, o *options.Outputs, compression options.Compression, source string) (Exports, error) {
	x := Exports{Publish: o.Push || len(o.Outputs) == 0 && !o.Load, Compression: compression}
	if x.Publish || compression.IsGiven() {
		x.alike = append(x.alike, solve.ImageExport(true).WithCompression(compression))
	}
	names := strings.Join(append([]string{source}, o.Tags...), ",")
	for _, text := range o.Outputs {
		e, err := solve.ParseOutput(text)
		if err != nil {
			return Exports{}, err
		}
		x.add(e.WithCompression(compression), names)
	}
	if o.Load {
		e, err := solve.LoadExport(ctx, names)
		if err != nil {
			return Exports{}, err
		}
		x.add(e.WithCompression(compression), names)
	}
	x.tag(source, o.Tags)
	return x, nil
}

// tag adds the further names of an image that is published.
func (x *Exports) tag(source string, names []string) {
	if !x.Publish {
		return
	}
	var elsewhere []string
	for _, name := range names {
		if repositoryOf(name) == repositoryOf(source) {
			x.Tags = append(x.Tags, name)
		} else {
			elsewhere = append(elsewhere, name)
		}
	}
	if len(elsewhere) > 0 {
		x.All = append(x.All, solve.ImageExport(true, elsewhere...).WithCompression(x.Compression))
	}
}

// repositoryOf returns the repository of a reference, fully spelt.
func repositoryOf(ref string) string {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return ""
	}
	return named.Name()
}

// add adds an export, or lets publishing replace it.
func (x *Exports) add(e solve.Export, names string) {
	x.alike = append(x.alike, e)
	if e.IsImage() && e.Attrs["name"] == "" && e.Attrs["push"] == "true" {
		x.Publish, x.Compression = true, e.Compression()
		return
	}
	if e.IsNamed() && e.Attrs["name"] == "" {
		e.Attrs["name"] = names
	}
	x.All = append(x.All, e)
}

// Check refuses exports that BuildKit would refuse only after the build, and those that compress layers differently. Some exporters take
// only one platform. Attestations need an image with a name. The errors have no type.
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
	return solve.SameCompression(x.alike...)
}
