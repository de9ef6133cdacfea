package testenv

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/containerd/platforms"
	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// Program is a static program for an image without a base, such as a frontend or an SBOM scanner.
type Program struct {
	File       map[string]string // platform ("linux/amd64") to the program's file on this machine
	Path       string            // of the program in the image, absolute
	Entrypoint []string          // Path if empty
	Labels     map[string]string
	User       string
	Files      map[string][]byte // further files of every platform, by their absolute path
}

// PushProgram pushes a program as an image with one layer, repository:tag. Several platforms make an index. Equal programs give
// equal digests.
func (r *Registry) PushProgram(ctx context.Context, repository, tag string, p Program) (digest.Digest, error) {
	if len(p.File) == 0 {
		return "", fmt.Errorf("pushing %s:%s: the program has no file", repository, tag)
	}
	var images []ocispecs.Descriptor
	for _, name := range slices.Sorted(maps.Keys(p.File)) {
		config, layer, err := p.image(name)
		if err != nil {
			return "", err
		}
		if len(p.File) == 1 {
			return r.PushImage(ctx, repository, tag, config, layer)
		}
		image, err := r.pushImage(ctx, repository, "", config, layer)
		if err != nil {
			return "", err
		}
		images = append(images, image)
	}
	return r.PushIndex(ctx, repository, tag, images...)
}

// image returns the program's config and layer for a platform.
func (p Program) image(name string) (ocispecs.Image, Blob, error) {
	platform, err := platforms.Parse(name)
	if err != nil {
		return ocispecs.Image{}, Blob{}, err
	}
	program, err := os.ReadFile(p.File[name])
	if err != nil {
		return ocispecs.Image{}, Blob{}, err
	}
	layer, err := p.layer(program)
	entrypoint := p.Entrypoint
	if len(entrypoint) == 0 {
		entrypoint = []string{p.Path}
	}
	return ocispecs.Image{
		Platform: platforms.Normalize(platform),
		Config: ocispecs.ImageConfig{
			Env:        []string{"PATH=" + path.Dir(p.Path)},
			Entrypoint: entrypoint, WorkingDir: "/", User: p.User, Labels: p.Labels,
		},
		History: []ocispecs.History{{CreatedBy: "COPY " + path.Base(p.Path) + " " + p.Path}},
	}, layer, err
}

// layer packs the files without time stamps, in a fixed order, and owned by root.
func (p Program) layer(program []byte) (Blob, error) {
	var plain bytes.Buffer
	archive := tar.NewWriter(&plain)
	files := maps.Clone(p.Files)
	if files == nil {
		files = map[string][]byte{}
	}
	files[p.Path] = program
	made := map[string]bool{"/": true}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if !path.IsAbs(name) {
			return Blob{}, fmt.Errorf("packing %q: its path in the image must be absolute", name)
		}
		err := writeParents(archive, path.Dir(path.Clean(name)), made)
		if err == nil {
			mode := int64(0o644)
			if name == p.Path {
				mode = 0o755
			}
			err = writeFile(archive, name, mode, files[name])
		}
		if err != nil {
			return Blob{}, fmt.Errorf("packing %s: %w", name, err)
		}
	}
	if err := archive.Close(); err != nil {
		return Blob{}, err
	}
	return gzipLayer(plain.Bytes())
}

// writeParents writes a directory and its parents, unless they are in made.
func writeParents(archive *tar.Writer, dir string, made map[string]bool) error {
	if made[dir] {
		return nil
	}
	made[dir] = true
	if err := writeParents(archive, path.Dir(dir), made); err != nil {
		return err
	}
	return archive.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir[1:] + "/", Mode: 0o755})
}

func writeFile(archive *tar.Writer, name string, mode int64, content []byte) error {
	header := &tar.Header{Typeflag: tar.TypeReg, Name: path.Clean(name)[1:], Mode: mode, Size: int64(len(content))}
	if err := archive.WriteHeader(header); err != nil {
		return err
	}
	_, err := archive.Write(content)
	return err
}

// gzipLayer returns a tar archive as a compressed layer.
func gzipLayer(plain []byte) (Blob, error) {
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	if _, err := zip.Write(plain); err != nil {
		return Blob{}, err
	}
	if err := zip.Close(); err != nil {
		return Blob{}, err
	}
	blob := BytesBlob(ocispecs.MediaTypeImageLayerGzip, packed.Bytes())
	blob.DiffID = digest.FromBytes(plain)
	return blob, nil
}

// PushScanner builds the SBOM scanner below this package, with its program in dir, and pushes it as an image. It returns the
// reference for "--attest type=sbom,generator=".
func (r *Registry) PushScanner(ctx context.Context, dir string) (string, error) {
	file := filepath.Join(dir, "sbom-scanner-"+runtime.GOARCH)
	if err := goBuildSmall(ctx, "", runtime.GOARCH, file, "github.com/rtbuild/rtbuild/internal/testenv/scanner"); err != nil {
		return "", err
	}
	// BuildKit runs the scanner on its own platform, whatever the platform of the build.
	scanner := Program{File: map[string]string{"linux/" + runtime.GOARCH: file}, Path: "/bin/sbom-scanner"}
	_, err := r.PushProgram(ctx, "sbom-scanner", "latest", scanner)
	return r.Host + "/sbom-scanner:latest", err
}
