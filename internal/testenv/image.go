package testenv

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/containerd/containerd/v2/pkg/archive/compression"
	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// Image is an image of a registry.
type Image struct {
	Digest   digest.Digest
	Manifest ocispecs.Manifest
	Config   ocispecs.Image
	raw      []byte // the config

	registry   *Registry
	repository string
}

// RawConfig returns the config's JSON.
func (i *Image) RawConfig() []byte { return i.raw }

// Entry is a file of an image, without time stamps.
type Entry struct {
	Type   byte // as in tar
	Mode   int64
	UID    int
	GID    int
	Link   string
	Digest digest.Digest // of a file's content
}

// Image reads the manifest and the config of an image with one platform.
func (r *Registry) Image(ctx context.Context, ref string) (*Image, error) {
	repository, tag, ok := strings.Cut(strings.TrimPrefix(ref, r.Host+"/"), ":")
	if !ok {
		return nil, fmt.Errorf("%q has no tag", ref)
	}
	if _, dgst, ok := strings.Cut(tag, "@"); ok {
		tag = dgst
	}
	img := &Image{registry: r, repository: repository}
	manifest, err := r.get(ctx, "/v2/"+repository+"/manifests/"+tag)
	if err != nil {
		return nil, err
	}
	img.Digest = digest.FromBytes(manifest)
	if err := json.Unmarshal(manifest, &img.Manifest); err != nil {
		return nil, err
	}
	if img.raw, err = r.get(ctx, "/v2/"+repository+"/blobs/"+img.Manifest.Config.Digest.String()); err != nil {
		return nil, err
	}
	return img, json.Unmarshal(img.raw, &img.Config)
}

// Size returns the size of all compressed layers, in bytes.
func (i *Image) Size() int64 {
	var n int64
	for _, l := range i.Manifest.Layers {
		n += l.Size
	}
	return n
}

// Tree returns the image's entries by path, with whiteouts applied.
func (i *Image) Tree(ctx context.Context) (map[string]Entry, error) {
	tree, _, err := i.TreeAndFiles(ctx)
	return tree, err
}

// TreeAndFiles returns the same as Tree, and the contents of regular files, by path.
func (i *Image) TreeAndFiles(ctx context.Context, names ...string) (map[string]Entry, map[string]string, error) {
	tree, files := map[string]Entry{}, map[string]string{}
	for n := range i.Manifest.Layers {
		err := i.Layer(ctx, n, func(h *tar.Header, content io.Reader) error {
			name := path.Clean("/" + h.Name)
			if h.Typeflag != tar.TypeReg || !slices.Contains(names, name) {
				return apply(tree, h, content)
			}
			var text strings.Builder
			err := apply(tree, h, io.TeeReader(content, &text))
			files[name] = text.String()
			return err
		})
		if err != nil {
			return nil, nil, err
		}
	}
	return tree, files, nil
}

// Layers returns the image's layers, for another push.
func (i *Image) Layers(ctx context.Context) []Blob {
	var layers []Blob
	for n, l := range i.Manifest.Layers {
		layers = append(layers, Blob{l.MediaType, l.Digest, i.Config.RootFS.DiffIDs[n], l.Size, func() (io.ReadCloser, error) {
			return i.registry.open(ctx, "/v2/"+i.repository+"/blobs/"+l.Digest.String())
		}})
	}
	return layers
}

// Layer calls f for each entry of layer n.
func (i *Image) Layer(ctx context.Context, n int, f func(*tar.Header, io.Reader) error) error {
	body, err := i.registry.open(ctx, "/v2/"+i.repository+"/blobs/"+i.Manifest.Layers[n].Digest.String())
	if err != nil {
		return err
	}
	defer body.Close()
	plain, err := compression.DecompressStream(body)
	if err != nil {
		return err
	}
	defer plain.Close()
	for archive := tar.NewReader(plain); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = f(h, archive)
		}
		if err != nil {
			return err
		}
	}
}

// apply applies an entry of a layer to a tree.
func apply(tree map[string]Entry, h *tar.Header, content io.Reader) error {
	name := path.Clean("/" + h.Name)
	dir, base := path.Split(name)
	if base == ".wh..wh..opq" {
		removeBelow(tree, path.Clean(dir))
		return nil
	}
	if gone, ok := strings.CutPrefix(base, ".wh."); ok {
		delete(tree, path.Join(dir, gone))
		removeBelow(tree, path.Join(dir, gone))
		return nil
	}
	e := Entry{Type: h.Typeflag, Mode: h.Mode & 0o7777, UID: h.Uid, GID: h.Gid, Link: h.Linkname}
	switch h.Typeflag {
	case tar.TypeReg:
		sum := digest.Canonical.Digester()
		if _, err := io.Copy(sum.Hash(), content); err != nil {
			return err
		}
		e.Digest = sum.Digest()
	case tar.TypeLink: // equals its target
		e = tree[path.Clean("/"+h.Linkname)]
	}
	if tree[name].Type == tar.TypeDir && h.Typeflag != tar.TypeDir {
		removeBelow(tree, name)
	}
	tree[name] = e
	return nil
}

func removeBelow(tree map[string]Entry, dir string) {
	for name := range tree {
		if strings.HasPrefix(name, strings.TrimSuffix(dir, "/")+"/") {
			delete(tree, name)
		}
	}
}

func (r *Registry) get(ctx context.Context, p string) ([]byte, error) {
	body, err := r.open(ctx, p)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return io.ReadAll(body)
}

func (r *Registry) open(ctx context.Context, p string) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url(p), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", ocispecs.MediaTypeImageManifest+", "+ocispecs.MediaTypeImageIndex)
	res, err := r.do(req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		res.Body.Close()
		return nil, fmt.Errorf("GET %s: %s", p, res.Status)
	}
	return res.Body, nil
}
