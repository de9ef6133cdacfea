// Package imagediff compares two images of a registry: their files with owners, modes, links, devices and extended attributes,
// their config, their layers and sizes. It does not compare time stamps of files.
//
// The package treats an image as overlayfs does: as a stack of layers, each with its own tree, in which a path is looked up
// from the top. It unpacks nothing. It reads a layer as a stream and keeps only metadata: a file's size and digest, not its
// content. The layer's digest is verified before that metadata is used.
//
// The layers that two images begin with are their shared layers. They are not read at first. A path that neither image's own
// layers touch is the same in both. A path that both touch is compared. If only one image touches a path, the other has it as
// in the shared layers, and Compare reports it as Unknown. Reader.Diff then reads the shared layers from the top down until
// nothing is unknown. To know that a path does not exist, it must read all of them. To know a changed or removed path, it
// needs only the layer that added the path.
//
// Whiteouts follow the OCI image specification (layer.md): they apply to the layers below, never to their own layer. If a
// layer adds a file below a path that is not a directory, a directory replaces that path, as in containerd on overlayfs. A
// directory that no layer describes has mode 0755 and owner root, as in containerd. A hard link equals its target.
package imagediff

import (
	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// Image is an image for one platform, as read by a Reader.
type Image struct {
	Reference string            `json:"reference"` // as given
	Digest    digest.Digest     `json:"digest"`    // what the reference points to: an index or a manifest
	Manifest  digest.Digest     `json:"manifest"`  // the platform's
	Platform  ocispecs.Platform `json:"platform"`
	Size      int64             `json:"size"` // of all layers, compressed, in bytes
	Layers    []Layer           `json:"layers"`

	config config
	usage  usage // of the layers that were read for this image
}

// Layer is a layer of an image.
type Layer struct {
	Digest    digest.Digest `json:"digest"` // of the compressed layer
	Size      int64         `json:"size"`   // compressed, in bytes
	CreatedBy string        `json:"createdBy,omitempty"`

	mediaType string
	root      *node // nil until the layer is read
}

func (l Layer) descriptor() ocispecs.Descriptor {
	return ocispecs.Descriptor{MediaType: l.mediaType, Digest: l.Digest, Size: l.Size}
}

// shared returns the number of layers that both images begin with.
func shared(a, b *Image) int {
	n := 0
	for n < min(len(a.Layers), len(b.Layers)) && a.Layers[n].Digest == b.Layers[n].Digest {
		n++
	}
	return n
}
