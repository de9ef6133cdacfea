package engine

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	"github.com/moby/moby/api/types/image"
	"github.com/moby/moby/client"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// Manifests are the manifests that a name in the engine's store holds.
type Manifests []image.ManifestSummary

// Manifests returns what a name holds; nothing if there is no such name, or if the engine does not tell.
func (e *Engine) Manifests(ctx context.Context, ref string) Manifests {
	found, err := e.ImageInspect(ctx, ref, client.ImageInspectWithManifests(true))
	if err != nil {
		return nil
	}
	return found.Manifests
}

// HoldOthers reports whether there are images of other platforms than these, with their content.
func (m Manifests) HoldOthers(than []ocispecs.Platform) bool { return len(m.without(than)) > 0 }

// Rename gives an image of the store its final name. Images that the final name has held for other
// platforms stay. The engine has all content, so only an index is sent. Rename returns the digest that the name then points to.
//
// The final name moves at once: an image that no name points to would be collected as garbage.
func (e *Engine) Rename(ctx context.Context, from, to string, before Manifests) (digest.Digest, error) {
	now := e.Manifests(ctx, from)
	archive, err := indexArchive(to, append(slices.Clone(now), before.without(now.platforms())...))
	if err != nil {
		return "", err
	}
	loaded, err := e.ImageLoad(ctx, archive, client.ImageLoadWithQuiet(true))
	if err != nil {
		return "", fmt.Errorf("naming %s, which holds other platforms: %w", to, err)
	}
	defer loaded.Close()
	if _, err := io.Copy(io.Discard, loaded); err != nil {
		return "", err
	}
	return e.Resolve(ctx, to)
}

// Untag removes a name. The image stays if it has another one.
func (e *Engine) Untag(ctx context.Context, ref string) error {
	_, err := e.ImageRemove(ctx, ref, client.ImageRemoveOptions{})
	return err
}

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

// indexArchive returns an OCI layout with an index of manifests that the engine has, under a name.
func indexArchive(ref string, manifests Manifests) (io.Reader, error) {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return nil, err
	}
	index, descriptor, err := encode(manifests.index())
	if err != nil {
		return nil, err
	}
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
