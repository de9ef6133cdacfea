package testenv

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"

	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// Blob is content to push to a registry.
type Blob struct {
	MediaType string
	Digest    digest.Digest
	DiffID    digest.Digest // of a layer: the digest of its tar
	Size      int64
	Open      func() (io.ReadCloser, error)
}

// BytesBlob returns a blob with content in memory.
func BytesBlob(mediaType string, data []byte) Blob {
	dgst := digest.FromBytes(data)
	return Blob{mediaType, dgst, dgst, int64(len(data)), func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(data)), nil
	}}
}

func (b Blob) descriptor() ocispecs.Descriptor {
	return ocispecs.Descriptor{MediaType: b.MediaType, Digest: b.Digest, Size: b.Size}
}

// PushImage pushes an image with these layers as repository:tag, with the registry's API alone. It fills in the config's diff IDs.
// Without a tag, the image is pushed by digest.
func (r *Registry) PushImage(ctx context.Context, repository, tag string, config ocispecs.Image, layers ...Blob) (digest.Digest, error) {
	image, err := r.pushImage(ctx, repository, tag, config, layers...)
	return image.Digest, err
}

// PushDockerImage is PushImage for a config with Docker's additional fields, such as triggers.
func (r *Registry) PushDockerImage(ctx context.Context, repository, tag string, config dockerspec.DockerOCIImage, layers ...Blob) (digest.Digest, error) {
	image, err := r.pushConfig(ctx, repository, tag, &config.RootFS, config.Platform, &config, layers...)
	return image.Digest, err
}

// pushImage is PushImage, and returns the descriptor for an index.
func (r *Registry) pushImage(ctx context.Context, repository, tag string, config ocispecs.Image, layers ...Blob) (ocispecs.Descriptor, error) {
	return r.pushConfig(ctx, repository, tag, &config.RootFS, config.Platform, &config, layers...)
}

// pushConfig pushes an image with a config, a part of which is rootFS.
func (r *Registry) pushConfig(ctx context.Context, repository, tag string, rootFS *ocispecs.RootFS, platform ocispecs.Platform, config any,
	layers ...Blob,
) (ocispecs.Descriptor, error) {
	*rootFS = ocispecs.RootFS{Type: "layers"}
	manifest := ocispecs.Manifest{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispecs.MediaTypeImageManifest}
	for _, layer := range layers {
		if err := r.pushBlob(ctx, repository, layer); err != nil {
			return ocispecs.Descriptor{}, err
		}
		rootFS.DiffIDs = append(rootFS.DiffIDs, layer.DiffID)
		manifest.Layers = append(manifest.Layers, layer.descriptor())
	}
	data, err := json.Marshal(config)
	if err != nil {
		return ocispecs.Descriptor{}, err
	}
	blob := BytesBlob(ocispecs.MediaTypeImageConfig, data)
	if err := r.pushBlob(ctx, repository, blob); err != nil {
		return ocispecs.Descriptor{}, err
	}
	manifest.Config = blob.descriptor()
	image, err := r.pushManifest(ctx, repository, tag, manifest.MediaType, manifest)
	image.Platform = &platform
	return image, err
}

// PushIndex pushes an index of images in the repository. Each descriptor has a platform.
func (r *Registry) PushIndex(ctx context.Context, repository, tag string, images ...ocispecs.Descriptor) (digest.Digest, error) {
	index := ocispecs.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispecs.MediaTypeImageIndex, Manifests: images}
	return r.PushManifest(ctx, repository, tag, index.MediaType, index)
}

// PushManifest pushes a manifest or an index under a tag, or by digest without a tag.
func (r *Registry) PushManifest(ctx context.Context, repository, tag, mediaType string, manifest any) (digest.Digest, error) {
	pushed, err := r.pushManifest(ctx, repository, tag, mediaType, manifest)
	return pushed.Digest, err
}

func (r *Registry) pushManifest(ctx context.Context, repository, tag, mediaType string, manifest any) (ocispecs.Descriptor, error) {
	data, err := json.Marshal(manifest)
	if err != nil {
		return ocispecs.Descriptor{}, err
	}
	pushed := BytesBlob(mediaType, data).descriptor()
	path := "/v2/" + repository + "/manifests/" + cmp.Or(tag, pushed.Digest.String())
	_, err = r.call(ctx, http.MethodPut, path, mediaType, bytes.NewReader(data), pushed.Size)
	return pushed, err
}

func (r *Registry) pushBlob(ctx context.Context, repository string, blob Blob) error {
	at, err := r.call(ctx, http.MethodPost, "/v2/"+repository+"/blobs/uploads/", "", nil, 0)
	if err != nil {
		return err
	}
	location, err := url.Parse(at.Get("Location"))
	if err != nil {
		return err
	}
	query := location.Query()
	query.Set("digest", blob.Digest.String())
	content, err := blob.Open()
	if err != nil {
		return err
	}
	defer content.Close()
	_, err = r.call(ctx, http.MethodPut, location.Path+"?"+query.Encode(), "application/octet-stream", content, blob.Size)
	return err
}

func (r *Registry) call(ctx context.Context, method, path, mediaType string, body io.Reader, size int64) (http.Header, error) {
	req, err := http.NewRequestWithContext(ctx, method, r.url(path), body)
	if err != nil {
		return nil, err
	}
	req.ContentLength = size
	req.Header.Set("Content-Type", mediaType)
	res, err := r.do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode/100 != 2 {
		text, _ := io.ReadAll(res.Body)
		return nil, fmt.Errorf("%s %s: %s: %s", method, path, res.Status, text)
	}
	return res.Header, nil
}
