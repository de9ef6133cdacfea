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

// atOnce is how many layers are read at a time.
const atOnce = 4

// Reader reads images from registries, for one platform.
type Reader struct {
	Registry *registry.Client
	Platform ocispecs.Platform
	// SkipShared leaves the layers unread that both images begin with. Paths may stay Unknown then.
	SkipShared bool
	Progress   func(message string) // told before layers are read; nil drops it
}

// LayerError is a layer that is what its digest says, but not what a layer must be.
type LayerError struct {
	Reference string
	Layer     digest.Digest
	Err       error
}

// Error says which layer of which image it is.
func (e *LayerError) Error() string {
	return fmt.Sprintf("reading the layer %s of %s: %v; its digest is right, so it was pushed like this", e.Layer, e.Reference, e.Err)
}

// Unwrap gives what is wrong with the layer.
func (e *LayerError) Unwrap() error { return e.Err }

// Diff reads two images as far as is needed to tell what differs. Layers that both have are read once, and those that both begin
// with only if it takes them to know what one of the images changes. The error is a *registry.Error, a *LayerError, the
// context's, or says what is wrong with a reference.
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

// Image reads an image with all its layers. Its errors are those of Diff.
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

// describe gives two images without their layers. If both are in error, the first is told.
func (r *Reader) describe(ctx context.Context, from, to string) (a, b *Image, err error) {
	var images [2]*Image
	for i, answer := range r.Registry.LookupAll(ctx, []string{from, to}, r.Platform) {
		if answer.Err != nil {
			return nil, nil, answer.Err
		}
		if images[i], err = r.image(ctx, answer.Image); err != nil {
			return nil, nil, err
		}
	}
	return images[0], images[1], nil
}

// image gives an image without its layers.
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

// createdBy gives each layer's command. A history that does not fit the layers says nothing.
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

// unread are the layers from the nth on that were not read.
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
	group.SetLimit(atOnce)
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

// layer reads one layer. What is wrong with the transfer or the digest comes before what is wrong with the archive.
func (r *Reader) layer(ctx context.Context, img *Image, desc ocispecs.Descriptor) (*node, error) {
	blob, err := r.Registry.Blob(ctx, img.Reference, desc)
	if err != nil {
		return nil, err
	}
	defer blob.Close()
	root, err := readLayer(blob, &img.spent)
	if _, transfer := io.Copy(io.Discard, blob); transfer != nil {
		return nil, transfer
	}
	if err != nil {
		return nil, &LayerError{img.Reference, desc.Digest, noEOF(err)}
	}
	return root, nil
}

// noEOF gives an error that says what is missing, where an archive ends in its middle.
func noEOF(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("the archive is not complete: %w", err)
	}
	return err
}

func (r *Reader) progress(format string, args ...any) {
	if r.Progress != nil {
		r.Progress(fmt.Sprintf(format, args...))
	}
}
