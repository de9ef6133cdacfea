package testenv

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// Blob is content that is put into a registry.
type Blob struct {
	MediaType string
	Digest    digest.Digest
	DiffID    digest.Digest // of a layer: the digest of its tar
	Size      int64
	Open      func() (io.ReadCloser, error)
}

// BytesBlob is a blob from memory.
func BytesBlob(mediaType string, data []byte) Blob {
	dgst := digest.FromBytes(data)
	return Blob{mediaType, dgst, dgst, int64(len(data)), func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(data)), nil
	}}
}

func (b Blob) descriptor() ocispecs.Descriptor {
	return ocispecs.Descriptor{MediaType: b.MediaType, Digest: b.Digest, Size: b.Size}
}

// PushImage puts an image with these layers under repository:tag, by the registry's API alone. The config's diff IDs are
// filled in.
func (r *Registry) PushImage(ctx context.Context, repository, tag string, config ocispecs.Image, layers ...Blob) (digest.Digest, error) {
	config.RootFS = ocispecs.RootFS{Type: "layers"}
	manifest := ocispecs.Manifest{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispecs.MediaTypeImageManifest}
	for _, layer := range layers {
		if err := r.pushBlob(ctx, repository, layer); err != nil {
			return "", err
		}
		config.RootFS.DiffIDs = append(config.RootFS.DiffIDs, layer.DiffID)
		manifest.Layers = append(manifest.Layers, layer.descriptor())
	}
	data, err := json.Marshal(config)
	if err != nil {
		return "", err
	}
	blob := BytesBlob(ocispecs.MediaTypeImageConfig, data)
	if err := r.pushBlob(ctx, repository, blob); err != nil {
		return "", err
	}
	manifest.Config = blob.descriptor()
	return r.PushManifest(ctx, repository, tag, manifest.MediaType, manifest)
}

// PushManifest puts a manifest or an index under a tag.
func (r *Registry) PushManifest(ctx context.Context, repository, tag, mediaType string, manifest any) (digest.Digest, error) {
	data, err := json.Marshal(manifest)
	if err != nil {
		return "", err
	}
	_, err = r.call(ctx, http.MethodPut, "/v2/"+repository+"/manifests/"+tag, mediaType, bytes.NewReader(data), int64(len(data)))
	return digest.FromBytes(data), err
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
	req, err := http.NewRequestWithContext(ctx, method, "http://"+r.Host+path, body)
	if err != nil {
		return nil, err
	}
	req.ContentLength = size
	req.Header.Set("Content-Type", mediaType)
	res, err := http.DefaultClient.Do(req)
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
