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
	layer := filepath.Join(dir, "debian-bookworm-"+runtime.GOARCH+".tar.gz")
	if _, err := os.Stat(layer); errors.Is(err, os.ErrNotExist) {
		if err := makeBase(ctx, dir, layer); err != nil {
			return Blob{}, err
		}
	}
	return LayerFile(layer)
}

// makeBase makes the layer under another name until it is whole: several tests may do so at once.
func makeBase(ctx context.Context, dir, layer string) error {
	temp, err := os.MkdirTemp(dir, "base-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	archive := filepath.Join(temp, "base.tar")
	if err := command(ctx, "mmdebstrap", "--variant=minbase", "--include=ca-certificates", "--format=tar", "bookworm", archive); err != nil {
		return err
	}
	if err := command(ctx, "gzip", "-1", "-n", archive); err != nil {
		return err
	}
	return os.Rename(archive+".gz", layer)
}

// LayerFile gives a gzipped tar archive as a layer.
func LayerFile(file string) (Blob, error) {
	in, err := os.Open(file)
	if err != nil {
		return Blob{}, err
	}
	defer in.Close()
	packed, diffID := digest.Canonical.Digester(), digest.Canonical.Digester()
	size := &counter{}
	plain, err := gzip.NewReader(io.TeeReader(in, io.MultiWriter(packed.Hash(), size)))
	if err != nil {
		return Blob{}, err
	}
	if _, err := io.Copy(diffID.Hash(), plain); err != nil {
		return Blob{}, err
	}
	return Blob{
		MediaType: ocispecs.MediaTypeImageLayerGzip, Digest: packed.Digest(), DiffID: diffID.Digest(), Size: size.n,
		Open: func() (io.ReadCloser, error) { return os.Open(file) },
	}, nil
}

// counter counts bytes.
type counter struct{ n int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return len(p), nil
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
