package testenv

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"

	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// Base is a Debian root file system as a compressed layer, made with mmdebstrap once and kept in the cache.
func Base(ctx context.Context) (Blob, error) {
	dir, err := CacheDir()
	if err != nil {
		return Blob{}, err
	}
	archive := filepath.Join(dir, "debian-bookworm-"+runtime.GOARCH+".tar")
	if _, err := os.Stat(archive); errors.Is(err, os.ErrNotExist) {
		// Under another name until it is whole.
		temp := archive + ".new"
		if err := command(ctx, "mmdebstrap", "--variant=minbase", "--include=ca-certificates", "--format=tar", "bookworm", temp); err != nil {
			return Blob{}, err
		}
		if err := os.Rename(temp, archive); err != nil {
			return Blob{}, err
		}
	}
	return LayerFile(archive, archive+".gz")
}

// LayerFile compresses a tar archive into dest and gives it as a layer.
func LayerFile(archive, dest string) (Blob, error) {
	in, err := os.Open(archive)
	if err != nil {
		return Blob{}, err
	}
	defer in.Close()
	out, err := os.Create(dest)
	if err != nil {
		return Blob{}, err
	}
	defer out.Close()
	blob := Blob{MediaType: ocispecs.MediaTypeImageLayerGzip, Open: func() (io.ReadCloser, error) { return os.Open(dest) }}
	diffID, packed := digest.Canonical.Digester(), digest.Canonical.Digester()
	zip, err := gzip.NewWriterLevel(io.MultiWriter(out, packed.Hash()), gzip.BestSpeed)
	if err != nil {
		return Blob{}, err
	}
	if _, err := io.Copy(io.MultiWriter(zip, diffID.Hash()), in); err != nil {
		return Blob{}, err
	}
	if err := zip.Close(); err != nil {
		return Blob{}, err
	}
	info, err := out.Stat()
	if err != nil {
		return Blob{}, err
	}
	blob.Digest, blob.DiffID, blob.Size = packed.Digest(), diffID.Digest(), info.Size()
	return blob, nil
}

// PushBase puts the Debian base under debian:bookworm and gives its reference.
func (r *Registry) PushBase(ctx context.Context) (string, error) {
	layer, err := Base(ctx)
	if err != nil {
		return "", err
	}
	config := ocispecs.Image{
		Platform: ocispecs.Platform{OS: "linux", Architecture: runtime.GOARCH},
		Config: ocispecs.ImageConfig{
			Env: []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
			Cmd: []string{"bash"},
		},
		History: []ocispecs.History{{CreatedBy: "mmdebstrap bookworm"}},
	}
	_, err = r.PushImage(ctx, "debian", "bookworm", config, layer)
	return r.Host + "/debian:bookworm", err
}
