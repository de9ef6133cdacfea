package main

import (
	"archive/tar"
	"fmt"
	"io"
	"math/rand/v2"

	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/testenv"
)

// randomFile is the size of each file of an incompressible layer.
const randomFile = 256 << 10

// randomLayer returns an uncompressed layer of about total bytes in incompressible files. Its content is generated each time
// it is read, because it is too large to keep.
func randomLayer(seed byte, total int64) (testenv.Blob, error) {
	open := func() (io.ReadCloser, error) {
		r, w := io.Pipe()
		go func() { w.CloseWithError(writeRandom(w, seed, total/randomFile)) }()
		return r, nil
	}
	content, _ := open()
	defer content.Close()
	sum := digest.Canonical.Digester()
	n, err := io.Copy(sum.Hash(), content)
	return testenv.Blob{MediaType: ocispecs.MediaTypeImageLayer, Digest: sum.Digest(), DiffID: sum.Digest(), Size: n, Open: open}, err
}

func writeRandom(w io.Writer, seed byte, files int64) error {
	archive, random := tar.NewWriter(w), rand.NewChaCha8([32]byte{seed})
	dir := fmt.Sprintf("%s/package%d", modulesDir, seed)
	if err := addDirs(archive, dir); err != nil {
		return err
	}
	for i := range files {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: fmt.Sprintf("%s/%05d.bin", dir, i), Mode: 0o644, Size: randomFile}
		h.Uid, h.Gid = ownerID, ownerID
		if err := archive.WriteHeader(h); err != nil {
			return err
		}
		if _, err := io.CopyN(archive, random, randomFile); err != nil {
			return err
		}
	}
	return archive.Close()
}

// addDirs adds a directory and its parents. All but the prefix belong to the owner of the source.
func addDirs(archive *tar.Writer, dir string) error {
	for i := range len(dir) + 1 {
		if i < len(dir) && dir[i] != '/' {
			continue
		}
		h := &tar.Header{Typeflag: tar.TypeDir, Name: dir[:i] + "/", Mode: 0o755}
		if len(dir[:i]) >= len(codeDir) {
			h.Uid, h.Gid = ownerID, ownerID
		}
		if err := archive.WriteHeader(h); err != nil {
			return err
		}
	}
	return nil
}
