package e2e

import (
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/containerd/containerd/v2/pkg/archive/compression"
	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/testenv"
)

// compressed is a value of --compression, and what it must give.
type compressed struct {
	flag, attrs string // the attributes of an output of docker buildx that mean the same
	mediaType   string
	annotation  string // key of an annotation of each layer; may be empty
}

// TestCompressions builds with each compression, with the client and with docker buildx on another builder. Layers that exist keep theirs.
func TestCompressions(t *testing.T) {
	t.Parallel()
	other := newBuildx(t, freshBuilder(t, testenv.BuilderOptions{}))
	for _, c := range []compressed{
		{flag: "zstd,level=9", attrs: "compression=zstd,compression-level=9", mediaType: ocispecs.MediaTypeImageLayerZstd},
		{flag: "uncompressed", attrs: "compression=uncompressed", mediaType: ocispecs.MediaTypeImageLayer},
		{flag: "estargz,level=5", attrs: "compression=estargz,compression-level=5", mediaType: ocispecs.MediaTypeImageLayerGzip,
			annotation: "containerd.io/snapshot/stargz/toc.digest"},
	} {
		t.Run(c.attrs, func(t *testing.T) { c.test(t, other) })
	}
}

func (c compressed) test(t *testing.T, other *testenv.Buildx) {
	t.Helper()
	p := withDependencies(t)
	write(t, p.dir, "data.txt", hardToCompress(1<<20))
	b := freshBuilder(t, testenv.BuilderOptions{})
	p.solves(t, "scratch", p.repository, "--addr", b.Addr, "--compression", c.flag)
	made := p.names(t, p.repository).Images
	for _, ref := range []string{made.Lock, made.Source} {
		c.check(t, ref)
	}
	c.frontend(t, other, p, made.Source)

	was := image(t, made.Source)
	p.solves(t, "none", p.repository, "--addr", b.Addr, "--compression", "gzip")
	if now := image(t, made.Source); now.Digest != was.Digest {
		t.Errorf("an image that existed was %s and is %s", was.Digest, now.Digest)
	}
	write(t, p.dir, "main.js", "// edited\n")
	p.solves(t, "lock", p.repository, "--addr", b.Addr, "--compression", "gzip")
	layers, deps := image(t, p.names(t, p.repository).Images.Source).Manifest.Layers, image(t, made.Lock).Manifest.Layers
	sameLayers(t, deps, layers[:len(deps)])
	if last := layers[len(layers)-1]; last.MediaType != ocispecs.MediaTypeImageLayerGzip {
		t.Errorf("the source's layer has the media type %s", last.MediaType)
	}
}

// check checks that an image has the base's layers as they are, and others in the compression.
func (c compressed) check(t *testing.T, ref string) {
	t.Helper()
	img, base := image(t, ref), image(t, must(pushProbeBase())(t))
	if img.Manifest.MediaType != ocispecs.MediaTypeImageManifest || img.Manifest.Config.MediaType != ocispecs.MediaTypeImageConfig {
		t.Errorf("%s has the media types %s and %s", ref, img.Manifest.MediaType, img.Manifest.Config.MediaType)
	}
	sameLayers(t, base.Manifest.Layers, img.Manifest.Layers[:probeLayers])
	if len(img.Manifest.Layers) == probeLayers {
		t.Errorf("%s has only the base's layers", ref)
	}
	for n, blob := range img.Layers(t.Context())[probeLayers:] {
		if got := diffID(t, blob); got != blob.DiffID || blob.MediaType != c.mediaType {
			t.Errorf("%s: a layer has the media type %s and unpacks to %s, want %s and %s", ref, blob.MediaType, got, c.mediaType, blob.DiffID)
		}
		if annotations := img.Manifest.Layers[probeLayers+n].Annotations; c.annotation != "" && annotations[c.annotation] == "" {
			t.Errorf("%s: a layer has the annotations %v", ref, annotations)
		}
	}
}

// sameLayers checks that layers have the wanted digests, sizes and media types.
func sameLayers(t *testing.T, want, got []ocispecs.Descriptor) {
	t.Helper()
	for n, w := range want {
		if g := got[n]; g.Digest != w.Digest || g.Size != w.Size || g.MediaType != w.MediaType {
			t.Errorf("layer %d is %+v, want %+v", n, g, w)
		}
	}
}

// diffID returns the digest of a layer's tar.
func diffID(t *testing.T, blob testenv.Blob) digest.Digest {
	t.Helper()
	packed := must(blob.Open())(t)
	defer packed.Close()
	plain := must(compression.DecompressStream(packed))(t)
	defer plain.Close()
	return digest.FromBytes(must(io.ReadAll(plain))(t))
}

// frontend builds the source image with docker buildx: without a compression, and then with this one. The build argument keeps the two
// apart.
func (c compressed) frontend(t *testing.T, bx *testenv.Buildx, p *project, source string) {
	t.Helper()
	build := func(tag, attrs string, more ...string) string {
		ref := p.repository + ":" + tag
		output := strings.TrimSuffix("type=image,push=true,oci-mediatypes=true,name="+ref+","+attrs, ",")
		succeeds(t, buildxOn(t, bx, p.dir, p.buildArgs(append([]string{"-o", output, "--build-arg", "VARIANT=lock"}, more...)...)...))
		return ref
	}
	plain := build("plain", "")
	sameDigest(t, filepath.Base(t.Name()), source, build("compressed", c.attrs, "--build-arg", "COMPRESSION="+c.flag))
	if image(t, plain).Digest == image(t, source).Digest {
		t.Error("gzip gives the same image")
	}
}
