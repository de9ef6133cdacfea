package testenv

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// Base returns a Debian root file system for this machine as a compressed layer. mmdebstrap makes it once; it stays in the
// cache.
func Base(ctx context.Context) (Blob, error) { return BaseFor(ctx, runtime.GOARCH) }

// BaseFor returns Base for an architecture, named as in Go. For another architecture than this machine's, the packages are only
// unpacked, and running steps needs emulation (see Runs).
func BaseFor(ctx context.Context, architecture string) (Blob, error) {
	return BaseOf(ctx, "bookworm", architecture)
}

// BaseOf returns BaseFor another release of Debian.
func BaseOf(ctx context.Context, suite, architecture string) (Blob, error) {
	dir, err := CacheDir()
	if err != nil {
		return Blob{}, err
	}
	layer := filepath.Join(dir, "debian-"+suite+"-"+architecture+".tar.gz")
	if architecture != runtime.GOARCH {
		layer = filepath.Join(dir, "debian-"+suite+"-unpacked-"+architecture+".tar.gz")
	}
	return made(ctx, layer, suite, architecture)
}

// made returns the layer of a file in the cache. If the file does not exist, mmdebstrap makes it, with further packages.
func made(ctx context.Context, layer, suite, architecture string, packages ...string) (Blob, error) {
	args := []string{"--variant=minbase", "--include=" + strings.Join(append(packages, "ca-certificates"), ",")}
	if architecture != runtime.GOARCH {
		args = foreignBase(architecture)
	}
	err := Made(layer, func(temp string) error {
		archive := temp + ".tar"
		defer os.Remove(archive)
		if err := command(ctx, "mmdebstrap", append(args, "--format=tar", suite, archive)...); err != nil {
			return err
		}
		if err := command(ctx, "gzip", "-1", "-n", "-f", archive); err != nil {
			return err
		}
		return os.Rename(archive+".gz", temp)
	})
	if err != nil {
		return Blob{}, err
	}
	return LayerFile(layer)
}

// foreignBase returns the arguments for a base that is only unpacked, because running the packages' scripts in an emulator takes
// ten minutes. The base has a shell, and programs for steps that neither install packages nor create users.
func foreignBase(architecture string) []string {
	users := `printf 'root:x:0:0:root:/root:/bin/sh\n' > "$1/etc/passwd"; printf 'root:x:0:\n' > "$1/etc/group"`
	return []string{
		"--variant=extract", "--architectures=" + architecture, "--include=base-files,bash,dash,coreutils,libc6,apt",
		"--extract-hook=" + users,
	}
}

// binfmt is the directory in which the kernel lists emulators.
const binfmt = "/proc/sys/fs/binfmt_misc"

// emulators maps Go's names of architectures to the registered names of their emulators.
var emulators = map[string]string{"amd64": "qemu-x86_64", "arm64": "qemu-aarch64"}

// Runs returns an error that says why this machine cannot run programs of an architecture, or nil if it can.
func Runs(architecture string) error {
	if architecture == runtime.GOARCH {
		return nil
	}
	name, ok := emulators[architecture]
	if !ok {
		return fmt.Errorf("running programs of %s: no emulator is known", architecture)
	}
	state, err := os.ReadFile(filepath.Join(binfmt, name))
	if err == nil && !strings.HasPrefix(string(state), "enabled") {
		err = fmt.Errorf("%s is not enabled", name)
	}
	if err != nil {
		return fmt.Errorf("running programs of %s: %w: run hack/deps as root, which says what is missing", architecture, err)
	}
	return nil
}

// LayerFile returns a gzipped tar archive as a layer.
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

// PushBase pushes this machine's Debian base as debian:bookworm, and returns its reference.
func (r *Registry) PushBase(ctx context.Context) (string, error) {
	_, err := r.pushBase(ctx, "debian", "bookworm", runtime.GOARCH)
	return r.Host + "/debian:bookworm", err
}

// PushBaseOf pushes this machine's base of a Debian release as debian:SUITE, and returns its reference.
func (r *Registry) PushBaseOf(ctx context.Context, suite string) (string, error) {
	layer, err := BaseOf(ctx, suite, runtime.GOARCH)
	if err != nil {
		return "", err
	}
	_, err = r.pushLayer(ctx, "debian", suite, runtime.GOARCH, "mmdebstrap "+suite, layer)
	return r.Host + "/debian:" + suite, err
}

// PushBaseFor pushes the Debian base of an architecture as debian:bookworm-ARCHITECTURE, and returns its reference.
func (r *Registry) PushBaseFor(ctx context.Context, architecture string) (string, error) {
	_, err := r.pushBase(ctx, "debian", "bookworm-"+architecture, architecture)
	return r.Host + "/debian:bookworm-" + architecture, err
}

// PushBases pushes the Debian bases of amd64 and arm64 as one index, base:bookworm, and returns its reference.
func (r *Registry) PushBases(ctx context.Context) (string, error) {
	var images []ocispecs.Descriptor
	for _, architecture := range []string{"amd64", "arm64"} {
		image, err := r.pushBase(ctx, "base", "", architecture)
		if err != nil {
			return "", err
		}
		images = append(images, image)
	}
	_, err := r.PushIndex(ctx, "base", "bookworm", images...)
	return r.Host + "/base:bookworm", err
}

func (r *Registry) pushBase(ctx context.Context, repository, tag, architecture string) (ocispecs.Descriptor, error) {
	layer, err := BaseFor(ctx, architecture)
	if err != nil {
		return ocispecs.Descriptor{}, err
	}
	return r.pushLayer(ctx, repository, tag, architecture, "mmdebstrap bookworm", layer)
}

// pushLayer pushes a root file system as an image.
func (r *Registry) pushLayer(ctx context.Context, repository, tag, architecture, madeBy string, layer Blob) (ocispecs.Descriptor, error) {
	config := ocispecs.Image{
		Platform: ocispecs.Platform{OS: "linux", Architecture: architecture},
		Config: ocispecs.ImageConfig{
			Env: []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
			Cmd: []string{"bash"},
		},
		History: []ocispecs.History{{CreatedBy: madeBy}},
	}
	return r.pushImage(ctx, repository, tag, config, layer)
}
