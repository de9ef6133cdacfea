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
	Tags        []string            // of the user, in the repository that is published to, or in the engine's store
	Compression options.Compression // of what is published

	alike  []solve.Export // the exports that must have one compression, publishing included
	stored bool           // see Image
	named  bool           // an export has taken the names of --tag
}

// Image is the source image that is exported.
type Image struct {
	Ref    string // its reference
	Stored bool   // it lives in a Docker engine's store: publishing it stores it there, and pushes nothing
}

// ReadExports reads the exports that the user requests, with the compression for those that name none. Images and archives without a name
// get the source image's, and those of --tag. An export that pushes under that name is dropped, because publishing pushes it in the
// right order. If the image is published, names in other repositories than the source image's are pushed by an export of their own. In an
// engine's store, all names of --tag are further names there.
//
// An invalid output is an [*options.Error]. It is an error without a type if --load is given and there is no docker command, or if an image
// of an engine's store is to be pushed without a name.
func ReadExports(ctx context.Context, o *options.Outputs, compression options.Compression, source Image) (Exports, error) {
	if source.Stored && o.Push {
		return Exports{}, noRepository("--push")
	}
	load := o.Load && !source.Stored // what is stored is loaded
	x := Exports{Publish: o.Push || o.Load && source.Stored || len(o.Outputs) == 0 && !o.Load, Compression: compression, stored: source.Stored}
	if x.Publish || compression.IsGiven() {
		x.alike = append(x.alike, solve.ImageExport(true).WithCompression(compression))
	}
	names := strings.Join(append([]string{source.Ref}, o.Tags...), ",")
	for _, text := range o.Outputs {
		e, err := solve.ParseOutput(text)
		if err != nil {
			return Exports{}, err
		}
		if source.Stored && e.IsImage() && e.Attrs["name"] == "" && e.Attrs["push"] == "true" {
			return Exports{}, noRepository("--output " + text)
		}
		x.add(e.WithCompression(compression), names)
	}
	if load {
		e, err := solve.LoadExport(ctx, names)
		if err != nil {
			return Exports{}, err
		}
		x.add(e.WithCompression(compression), names)
	}
	x.tag(source.Ref, o.Tags)
	return x, nil
}

// noRepository is the error of a flag that pushes, if the images live in an engine's store.
func noRepository(flag string) error {
	return fmt.Errorf("%s: no repository to push to: give --repository HOST/PATH; without it, the images stay in the Docker engine", flag)
}

// tag adds the further names of an image that is published.
func (x *Exports) tag(source string, names []string) {
	if !x.Publish {
		return
	}
	var elsewhere []string
	for _, name := range names {
		if x.stored || repositoryOf(name) == repositoryOf(source) {
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

// add adds an export, or lets publishing replace it: an export that pushes, and in an engine's store also one that stores.
func (x *Exports) add(e solve.Export, names string) {
	x.alike = append(x.alike, e)
	if e.IsImage() && e.Attrs["name"] == "" && (e.Attrs["push"] == "true" || x.stored) {
		x.Publish, x.Compression = true, e.Compression()
		return
	}
	if e.IsNamed() && e.Attrs["name"] == "" {
		e.Attrs["name"], x.named = names, true
	}
	x.All = append(x.All, e)
}

// Unused returns the names of --tag that nothing gets, because no output is an image without a name of its own. docker buildx drops them
// without a word.
func (x Exports) Unused(names []string) []string {
	if x.Publish || x.named {
		return nil
	}
	return names
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
