package engine

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"io"
	"slices"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	"github.com/moby/moby/api/types/image"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// Manifests are the manifests that a name in the engine's store holds.
type Manifests []image.ManifestSummary

// platforms returns the platforms of the images.
func (m Manifests) platforms() []ocispecs.Platform {
	var all []ocispecs.Platform
	for _, one := range m {
		if one.ImageData != nil {
			all = append(all, one.ImageData.Platform)
		}
	}
	return all
}

// without returns the images whose content is there and that are for other platforms than these, with their attestations.
func (m Manifests) without(held []ocispecs.Platform) Manifests {
	var kept Manifests
	for _, one := range m {
		if one.Kind != image.ManifestKindImage || !one.Available || one.ImageData == nil {
			continue
		}
		if _, ok := match(held, platforms.Normalize(one.ImageData.Platform)); ok {
			continue
		}
		kept = append(kept, one)
		for _, other := range m {
			if other.AttestationData != nil && other.AttestationData.For == one.Descriptor.Digest {
				kept = append(kept, other)
			}
		}
	}
	return kept
}

// holds reports whether all of these manifests are among m.
func (m Manifests) holds(wanted Manifests) bool {
	return !slices.ContainsFunc(wanted, func(w image.ManifestSummary) bool {
		return !slices.ContainsFunc(m, func(one image.ManifestSummary) bool { return one.Descriptor.Digest == w.Descriptor.Digest })
	})
}

// indexArchive returns an OCI layout with an index of manifests that the engine has, under a name, and the digest of the index.
func indexArchive(ref string, manifests Manifests) (io.Reader, digest.Digest, error) {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return nil, "", err
	}
	index, descriptor, err := encode(manifests.index())
	if err != nil {
		return nil, "", err
	}
	packed, err := layout(named, index, descriptor)
	return packed, descriptor.Digest, err
}

// layout returns an OCI layout with an index under a name.
func layout(named reference.Named, index []byte, descriptor ocispecs.Descriptor) (io.Reader, error) {
	descriptor.Annotations = map[string]string{"io.containerd.image.name": named.String()}
	top, _, err := encode(ocispecs.Index{Versioned: specs.Versioned{SchemaVersion: 2}, Manifests: []ocispecs.Descriptor{descriptor}})
	if err != nil {
		return nil, err
	}
	var packed bytes.Buffer
	archive := tar.NewWriter(&packed)
	for _, file := range []struct {
		name string
		data []byte
	}{
		{ocispecs.ImageLayoutFile, []byte(`{"imageLayoutVersion":"` + ocispecs.ImageLayoutVersion + `"}`)},
		{ocispecs.ImageIndexFile, top},
		{ocispecs.ImageBlobsDir + "/sha256/" + descriptor.Digest.Encoded(), index},
	} {
		if err := archive.WriteHeader(&tar.Header{Name: file.name, Mode: 0o644, Size: int64(len(file.data)), Typeflag: tar.TypeReg}); err != nil {
			return nil, err
		}
		if _, err := archive.Write(file.data); err != nil {
			return nil, err
		}
	}
	return &packed, archive.Close()
}

// index returns an index of the manifests.
func (m Manifests) index() ocispecs.Index {
	index := ocispecs.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispecs.MediaTypeImageIndex}
	for _, one := range m {
		d := one.Descriptor
		if one.ImageData != nil && d.Platform == nil {
			d.Platform = &one.ImageData.Platform
		}
		index.Manifests = append(index.Manifests, d)
	}
	return index
}

// encode returns a document and its descriptor.
func encode(index ocispecs.Index) ([]byte, ocispecs.Descriptor, error) {
	data, err := json.Marshal(index)
	return data, ocispecs.Descriptor{MediaType: ocispecs.MediaTypeImageIndex, Digest: digest.FromBytes(data), Size: int64(len(data))}, err
}
