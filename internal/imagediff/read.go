package imagediff

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"github.com/rtbuild/rtbuild/internal/registry"
)

// maxReads limits how many layers are read concurrently.
const maxReads = 4

// Reader reads images from registries, for one platform.
type Reader struct {
	Registry *registry.Client
	Platform ocispecs.Platform
	// SkipShared does not read the layers that both images begin with. Some paths may then stay Unknown.
	SkipShared bool
	Progress   func(message string) // receives a message before layers are read; nil drops it
}

// LayerError reports an invalid layer. Its digest is correct, so it was not damaged in transfer.
type LayerError struct {
	Reference string
	Layer     digest.Digest
	Err       error
}

// Error names the layer and the image, and says what is wrong.
func (e *LayerError) Error() string {
	return fmt.Sprintf("reading the layer %s of %s: %v; its digest is correct, so the layer was already invalid when it was pushed", e.Layer, e.Reference, e.Err)
}

// Unwrap returns what is wrong with the layer.
func (e *LayerError) Unwrap() error { return e.Err }

// Diff reads two images as far as necessary, and compares them. It reads a layer that both have once, and shared layers only if
// a difference depends on them. The error is a *registry.Error, a *LayerError, the context's, or about an invalid reference.
// It wraps ErrLimit if an image is too large.
func (r *Reader) Diff(ctx context.Context, from, to string) (*Diff, error) {
	a, b, err := r.describe(ctx, from, to)
	if err != nil {
		return nil, err
	}
	if a.Manifest == b.Manifest {
		return Compare(a, b), nil
	}
	n := shared(a, b)
	todo := append(a.unread(n), b.unread(n)...)
	if len(todo) > 0 {
		r.progress("reading %s (%s); shared: %d", count(len(todo), "layer"), size(sizeOf(todo)), n)
	}
	if err := r.read(ctx, todo); err != nil {
		return nil, err
	}
	d := Compare(a, b)
	for path, ok := d.unknown(); ok && !r.SkipShared && n > 0; path, ok = d.unknown() {
		if n == d.Shared {
			r.progress("reading shared layers (%s, %s at most): only one image changes %s",
				count(n, "layer"), size(sizeOf(a.unread(0))), quote(path))
		}
		n--
		if err := r.read(ctx, []part{{a, n}, {b, n}}); err != nil {
			return nil, err
		}
		d = Compare(a, b)
	}
	return d, nil
}

// Image reads an image with all its layers. It returns the errors of Diff.
func (r *Reader) Image(ctx context.Context, ref string) (*Image, error) {
	found, err := r.Registry.Lookup(ctx, ref, r.Platform)
	if err != nil {
		return nil, err
	}
	img, err := r.image(ctx, found)
	if err != nil {
		return nil, err
	}
	if err := r.read(ctx, img.unread(0)); err != nil {
		return nil, err
	}
	return img, nil
}

// describe returns two images without their layers. If both fail, it returns the error of the first.
func (r *Reader) describe(ctx context.Context, from, to string) (a, b *Image, err error) {
	var images [2]*Image
	for i, result := range r.Registry.LookupAll(ctx, []string{from, to}, r.Platform) {
		if result.Err != nil {
			return nil, nil, result.Err
		}
		if images[i], err = r.image(ctx, result.Image); err != nil {
			return nil, nil, err
		}
	}
	return images[0], images[1], nil
}

// image returns an image without its layers.
func (r *Reader) image(ctx context.Context, found *registry.Image) (*Image, error) {
	if n := len(found.Layers); n > maxLayers {
		return nil, fmt.Errorf("%s: %w", found.Reference, overLimit(fmt.Sprintf("the image has %d layers", n), maxLayers))
	}
	raw, err := r.Registry.RawConfig(ctx, found)
	if err != nil {
		return nil, err
	}
	img := &Image{
		Reference: found.Reference, Digest: found.Digest, Manifest: found.Manifest,
		Platform: found.Config.Platform, Layers: make([]Layer, len(found.Layers)),
	}
	if img.config, err = readConfig(raw); err != nil {
		return nil, fmt.Errorf("%s: %w", found.Reference, err)
	}
	commands := createdBy(found.Config.History, len(found.Layers))
	for i, l := range found.Layers {
		img.Layers[i] = Layer{Digest: l.Digest, Size: l.Size, CreatedBy: commands[i], mediaType: l.MediaType}
		img.Size += l.Size
	}
	return img, nil
}

// createdBy returns each layer's command, or empty commands if the history does not match the layers.
func createdBy(history []ocispecs.History, layers int) []string {
	var commands []string
	for _, h := range history {
		if !h.EmptyLayer {
			commands = append(commands, h.CreatedBy)
		}
	}
	if len(commands) != layers {
		return make([]string, layers)
	}
	return commands
}

// part is a layer of an image.
type part struct {
	image *Image
	n     int
}

func (p part) layer() *Layer { return &p.image.Layers[p.n] }

// unread returns the unread layers from the nth on.
func (img *Image) unread(n int) []part {
	var parts []part
	for ; n < len(img.Layers); n++ {
		if p := (part{img, n}); p.layer().root == nil {
			parts = append(parts, p)
		}
	}
	return parts
}

func sizeOf(parts []part) int64 {
	var n int64
	for _, p := range parts {
		n += p.layer().Size
	}
	return n
}

// read reads layers, each digest once.
func (r *Reader) read(ctx context.Context, parts []part) error {
	same := map[digest.Digest][]*Layer{}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxReads)
	for _, p := range parts {
		l := p.layer()
		same[l.Digest] = append(same[l.Digest], l)
	}
	for _, p := range parts {
		l := p.layer()
		if same[l.Digest][0] != l {
			continue
		}
		group.Go(func() error {
			root, err := r.layer(ctx, p.image, l.descriptor())
			for _, other := range same[l.Digest] {
				other.root = root
			}
			return err
		})
	}
	return group.Wait()
}

// layer reads one layer. An error of the transfer or the digest takes precedence over an error of the archive.
func (r *Reader) layer(ctx context.Context, img *Image, desc ocispecs.Descriptor) (*node, error) {
	blob, err := r.Registry.Blob(ctx, img.Reference, desc)
	if err != nil {
		return nil, err
	}
	defer blob.Close()
	root, err := readLayer(blob, &img.usage)
	if _, transfer := io.Copy(io.Discard, blob); transfer != nil {
		return nil, transfer
	}
	if err != nil {
		return nil, &LayerError{img.Reference, desc.Digest, explainEOF(err)}
	}
	return root, nil
}

// explainEOF explains the error of an archive that is cut off.
func explainEOF(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("the archive is incomplete: %w", err)
	}
	return err
}

func (r *Reader) progress(format string, args ...any) {
	if r.Progress != nil {
		r.Progress(fmt.Sprintf(format, args...))
	}
}
