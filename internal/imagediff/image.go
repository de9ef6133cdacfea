// Package imagediff tells what differs between two images of a registry: in their files, with owners, modes, links, devices
// and extended attributes, in their config, in their layers and sizes. Time stamps of files are not compared.
//
// An image is looked at as overlayfs would: a stack of layers, each a tree of its own, in which a path is looked up from the
// top. Nothing is unpacked. A layer is read as a stream, from which only facts are kept: a file's size and the digest of its
// content, not the content. What the stream was is checked against the layer's digest before the facts are believed.
//
// The layers that two images begin with are their shared layers. They are not read at first: where neither image has put
// anything on top, both show the same, whatever it is. Where both have, what they have is compared. That leaves the paths
// that only one image has put something at (or has taken away): what the other has there is "as in the shared layers", and
// Compare says so (Unknown). Reader.Diff then reads the shared layers from the top down, and stops as soon as nothing is
// unknown any more. That a path is not there at all is only known once all layers are read; to know what was at a path
// that has been changed or removed, the layer that put it there is enough.
//
// Whiteouts are applied as the OCI image specification (layer.md) says: to the layers below, never to the whiteout's own
// layer. Where a layer puts a file below what is no directory, a directory takes its place, as containerd does it on overlayfs;
// a directory that no layer describes is 0755 and root's, as containerd makes it. A hard link is the file that it links to.
package imagediff

import (
	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// Image is an image for one platform, as a Reader has read it.
type Image struct {
	Reference string            `json:"reference"` // as it was asked for
	Digest    digest.Digest     `json:"digest"`    // what the reference points to: an index or a manifest
	Manifest  digest.Digest     `json:"manifest"`  // the platform's
	Platform  ocispecs.Platform `json:"platform"`
	Size      int64             `json:"size"` // of all layers as the registry holds them, compressed, in bytes
	Layers    []Layer           `json:"layers"`

	config config
	spent  spent // by the layers that were read for this image
}

// Layer is a layer of an image.
type Layer struct {
	Digest    digest.Digest `json:"digest"` // as the registry holds it, compressed
	Size      int64         `json:"size"`   // likewise, in bytes
	CreatedBy string        `json:"createdBy,omitempty"`

	mediaType string
	root      *node // nil as long as it is not read
}

func (l Layer) descriptor() ocispecs.Descriptor {
	return ocispecs.Descriptor{MediaType: l.mediaType, Digest: l.Digest, Size: l.Size}
}

// shared is how many layers two images begin with alike.
func shared(a, b *Image) int {
	n := 0
	for n < min(len(a.Layers), len(b.Layers)) && a.Layers[n].Digest == b.Layers[n].Digest {
		n++
	}
	return n
}
