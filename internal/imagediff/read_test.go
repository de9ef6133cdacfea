package imagediff

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/registry"
	"github.com/rtbuild/rtbuild/internal/testenv"
)

var (
	amd64 = ocispecs.Platform{OS: "linux", Architecture: "amd64"}
	arm64 = ocispecs.Platform{OS: "linux", Architecture: "arm64"}
)

// registryFor starts a registry, and gives a reader that has no credentials.
func registryFor(t *testing.T, options ...testenv.RegistryOption) (*testenv.Registry, *Reader) {
	t.Helper()
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	reg, err := testenv.StartRegistry(t.Context(), t.TempDir(), options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(reg.Close)
	return reg, readerFor(t)
}

func readerFor(t *testing.T) *Reader {
	t.Helper()
	client, err := registry.New(registry.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return &Reader{Registry: client, Platform: amd64}
}

// blobOf is a layer as a registry holds it.
func blobOf(t *testing.T, l layer, mediaType string) testenv.Blob {
	t.Helper()
	data := l.tar(t)
	diffID := digest.FromBytes(data)
	switch mediaType {
	case ocispecs.MediaTypeImageLayerGzip:
		data = gzipped(t, data)
	case ocispecs.MediaTypeImageLayerZstd:
		data = zstded(t, data)
	}
	blob := testenv.BytesBlob(mediaType, data)
	blob.DiffID = diffID
	return blob
}

func gzipBlobs(t *testing.T, layers ...layer) []testenv.Blob {
	t.Helper()
	blobs := make([]testenv.Blob, len(layers))
	for i, l := range layers {
		blobs[i] = blobOf(t, l, ocispecs.MediaTypeImageLayerGzip)
	}
	return blobs
}

// push puts an image of layers into the registry, and gives its reference.
func push(t *testing.T, reg *testenv.Registry, name string, config ocispecs.Image, blobs ...testenv.Blob) string {
	t.Helper()
	if config.OS == "" {
		config.Platform = amd64
	}
	repository, tag, _ := strings.Cut(name, ":")
	if _, err := reg.PushImage(t.Context(), repository, tag, config, blobs...); err != nil {
		t.Fatal(err)
	}
	return reg.Host + "/" + name
}

// fetched counts how often each blob was asked for since the last call.
func fetched(reg *testenv.Registry) map[string]int {
	all := map[string]int{}
	_, _, requests := reg.Traffic()
	for _, r := range requests {
		if _, name, ok := strings.Cut(r, "/blobs/"); ok && strings.HasPrefix(r, "GET ") {
			all[name]++
		}
	}
	return all
}

func TestReaderDiff(t *testing.T) {
	base, tools := layer{dir("etc", 0o755), file("etc/motd", "1")}, layer{dir("opt", 0o755), file("opt/tool", "1")}
	one, two := layer{dir("opt", 0o755), file("opt/tool", "12")}, layer{dir("opt", 0o755), file("opt/tool", "123")}
	three := layer{dir("opt", 0o755), file("opt/tool", "12"), file("opt/more", "1")}
	tests := []struct {
		name     string
		from, to []layer
		skip     bool
		want     []string
		fetched  []layer // each once, and no others
	}{
		{name: "nothing but the config", from: []layer{base, tools}, to: []layer{base, tools}},
		{name: "both change the same", from: []layer{base, tools, one}, to: []layer{base, tools, two},
			want: []string{"~ /opt/tool: size 2 -> 3 bytes"}, fetched: []layer{one, two}},
		{name: "one changes", from: []layer{base, tools}, to: []layer{base, tools, two},
			want: []string{"~ /opt/tool: size 1 -> 3 bytes"}, fetched: []layer{two, tools}},
		{name: "one adds", from: []layer{base, tools, one}, to: []layer{base, tools, three},
			want: []string{"+ /opt/more: file 0644 0:0, 1 B"}, fetched: []layer{one, three, tools, base}},
		{name: "one adds, and what was there is not read", from: []layer{base, tools, one}, to: []layer{base, tools, three}, skip: true,
			want: []string{"? /opt/more: as in the shared layers -> file 0644 0:0, 1 B"}, fetched: []layer{one, three}},
		{name: "a layer in both, above what differs", from: []layer{base, one, tools}, to: []layer{base, two, tools}, fetched: []layer{one, two, tools}},
		{name: "a layer twice", from: []layer{base, two}, to: []layer{one, base, one},
			want: []string{"~ /opt/tool: size 3 -> 2 bytes"}, fetched: []layer{base, one, two}},
		{name: "nothing shared", from: []layer{base}, to: []layer{two},
			want:    []string{"- /etc: directory 0755 0:0", "- /etc/motd: file 0644 0:0, 1 B", "+ /opt: directory 0755 0:0", "+ /opt/tool: file 0644 0:0, 3 B"},
			fetched: []layer{base, two}},
		{name: "no layers", from: []layer{}, to: []layer{base},
			want: []string{"+ /etc: directory 0755 0:0", "+ /etc/motd: file 0644 0:0, 1 B"}, fetched: []layer{base}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			reg, reader := registryFor(t)
			reader.SkipShared = tt.skip
			from := push(t, reg, "team/a:1", ocispecs.Image{}, gzipBlobs(t, tt.from...)...)
			to := push(t, reg, "b:2", ocispecs.Image{Config: ocispecs.ImageConfig{User: "x"}}, gzipBlobs(t, tt.to...)...)
			fetched(reg)
			d, err := reader.Diff(t.Context(), from, to)
			if err != nil {
				t.Fatal(err)
			}
			wantLines(t, lines(d), tt.want)
			if len(d.Config) != 1 || d.From.Reference != from || d.To.Reference != to {
				t.Errorf("got %s", d)
			}
			got := fetched(reg)
			for _, l := range slices.Concat(tt.from, tt.to) {
				name, want := gzipBlobs(t, l)[0].Digest.String(), 0
				if slices.ContainsFunc(tt.fetched, func(f layer) bool { return gzipBlobs(t, f)[0].Digest.String() == name }) {
					want = 1
				}
				if got[name] != want {
					t.Errorf("layer of %s: fetched %d times, want %d", l[len(l)-1].Name, got[name], want)
				}
			}
		})
	}
}

func TestReaderDiffTheSameImage(t *testing.T) {
	reg, reader := registryFor(t)
	var told []string
	reader.Progress = func(message string) { told = append(told, message) }
	blobs := gzipBlobs(t, layer{file("a", "1")})
	one := push(t, reg, "a:1", ocispecs.Image{}, blobs...)
	other := push(t, reg, "team/b:2", ocispecs.Image{}, blobs...)
	fetched(reg)
	for _, to := range []string{one, other} {
		d, err := reader.Diff(t.Context(), one, to)
		if err != nil || !d.Equal() || !strings.HasSuffix(d.String(), "\nThe images are the same: "+d.From.Manifest.String()+"\n") {
			t.Errorf("got %s, %v", d, err)
		}
	}
	if n := fetched(reg)[blobs[0].Digest.String()]; n != 0 || told != nil {
		t.Errorf("the layer was fetched %d times; %q", n, told)
	}
}

// TestReaderReadsEveryCompression compares the same files in layers of each kind, under media types that are not always right.
func TestReaderReadsEveryCompression(t *testing.T) {
	reg, reader := registryFor(t)
	files := layer{dir("d", 0o755), file("d/a", strings.Repeat("content ", 10_000)), file("cap", "1").xattr("security.capability", "\x01")}
	docker := blobOf(t, files, ocispecs.MediaTypeImageLayerGzip)
	docker.MediaType = "application/vnd.docker.image.rootfs.diff.tar.gzip"
	wrong := blobOf(t, files, ocispecs.MediaTypeImageLayerZstd)
	wrong.MediaType = ocispecs.MediaTypeImageLayer
	plain := push(t, reg, "it:plain", ocispecs.Image{}, blobOf(t, files, ocispecs.MediaTypeImageLayer))
	for name, blob := range map[string]testenv.Blob{
		"gzip": docker, "zstd": blobOf(t, files, ocispecs.MediaTypeImageLayerZstd), "mislabelled": wrong,
	} {
		d, err := reader.Diff(t.Context(), plain, push(t, reg, "it:"+name, ocispecs.Image{}, blob))
		if err != nil || !d.Equal() || !strings.Contains(d.String(), "they are stored in different layers") {
			t.Errorf("%s: got %s, %v", name, d, err)
		}
	}
}

// TestReaderKeepsAllOfTheConfig has a health check, which the OCI image specification does not know.
func TestReaderKeepsAllOfTheConfig(t *testing.T) {
	reg, reader := registryFor(t)
	pushed := func(tag, config string) string {
		raw := testenv.BytesBlob(ocispecs.MediaTypeImageConfig, []byte(config))
		push(t, reg, "it:scratch", ocispecs.Image{}, raw) // to have the blob there
		manifest := ocispecs.Manifest{
			Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispecs.MediaTypeImageManifest,
			Config: ocispecs.Descriptor{MediaType: raw.MediaType, Digest: raw.Digest, Size: raw.Size}, Layers: []ocispecs.Descriptor{},
		}
		if _, err := reg.PushManifest(t.Context(), "it", tag, manifest.MediaType, manifest); err != nil {
			t.Fatal(err)
		}
		return reg.Host + "/it:" + tag
	}
	a := pushed("1", `{"os":"linux","architecture":"amd64","config":{"Healthcheck":{"Test":["NONE"]},"Shell":["/bin/sh","-c"]}}`)
	b := pushed("2", `{"os":"linux","architecture":"amd64","config":{"Healthcheck":{"Test":["CMD","true"]},"OnBuild":["RUN true"]}}`)
	d, err := reader.Diff(t.Context(), a, b)
	if err != nil {
		t.Fatal(err)
	}
	wantLines(t, configLines(d.Config), []string{"Shell : [/bin/sh -c] -> <nil>", "Healthcheck Test: [NONE] -> [CMD true]", "OnBuild : <nil> -> [RUN true]"})
}

func TestReaderTellsTheLayersCommands(t *testing.T) {
	reg, reader := registryFor(t)
	history := []ocispecs.History{{CreatedBy: "add a"}, {CreatedBy: "env", EmptyLayer: true}, {CreatedBy: "add b"}}
	blobs := gzipBlobs(t, layer{file("a", "1")}, layer{file("b", "1")})
	for want, history := range map[string][]ocispecs.History{"add a|add b": history, "|": history[:2]} {
		img, err := reader.Image(t.Context(), push(t, reg, "it:1", ocispecs.Image{History: history}, blobs...))
		if err != nil {
			t.Fatal(err)
		}
		if got := img.Layers[0].CreatedBy + "|" + img.Layers[1].CreatedBy; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		wantLines(t, listing(t, img), []string{"+ /a: file 0644 0:0, 1 B", "+ /b: file 0644 0:0, 1 B"})
	}
}

func TestReaderProgress(t *testing.T) {
	reg, reader := registryFor(t)
	var told []string
	reader.Progress = func(message string) { told = append(told, message) }
	base, more := layer{file("a", "1")}, layer{file("new\n", "1")}
	from := push(t, reg, "it:1", ocispecs.Image{}, gzipBlobs(t, base)...)
	to := push(t, reg, "it:2", ocispecs.Image{}, gzipBlobs(t, base, more)...)
	if _, err := reader.Diff(t.Context(), from, to); err != nil {
		t.Fatal(err)
	}
	size := func(l layer) string { return fmt.Sprintf("%d B", gzipBlobs(t, l)[0].Size) }
	wantLines(t, told, []string{
		"reading 1 layer (" + size(more) + "); shared: 1",
		"reading shared layers (1 layer, " + size(base) + ` at most): only one image changes "/new\n"`,
	})
}

func TestReaderPlatforms(t *testing.T) {
	reg, reader := registryFor(t)
	var entries []ocispecs.Descriptor
	for _, p := range []ocispecs.Platform{amd64, arm64} {
		dgst, err := reg.PushImage(t.Context(), "it", "", ocispecs.Image{Platform: p}, gzipBlobs(t, layer{file(p.Architecture, "1")})...)
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, ocispecs.Descriptor{MediaType: ocispecs.MediaTypeImageManifest, Digest: dgst, Platform: &p})
	}
	index, err := reg.PushIndex(t.Context(), "it", "all", entries...)
	if err != nil {
		t.Fatal(err)
	}
	ref := reg.Host + "/it:all"
	reader.Platform = arm64
	img, err := reader.Image(t.Context(), ref)
	if err != nil || img.Digest != index || img.Manifest != entries[1].Digest || img.Platform.Architecture != "arm64" {
		t.Errorf("got %+v, %v", img, err)
	}
	wantLines(t, listing(t, img), []string{"+ /arm64: file 0644 0:0, 1 B"})
	reader.Platform = ocispecs.Platform{OS: "linux", Architecture: "s390x"}
	_, err = reader.Diff(t.Context(), ref, ref)
	if !errors.Is(err, registry.ErrNoPlatform) || !strings.Contains(err.Error(), "the image is for linux/amd64, linux/arm64, not linux/s390x; choose one of its platforms with --platform") {
		t.Errorf("got %v", err)
	}
}

func TestReaderErrors(t *testing.T) {
	reg, reader := registryFor(t)
	good := gzipBlobs(t, layer{file("a", strings.Repeat("a", 1000))})[0]
	odd := testenv.BytesBlob(ocispecs.MediaTypeImageLayer, []byte(strings.Repeat("this is no archive ", 100)))
	short := testenv.BytesBlob(ocispecs.MediaTypeImageLayer, layer{file("a", strings.Repeat("a", 1000))}.tar(t)[:700])
	it, noArchive := push(t, reg, "it:1", ocispecs.Image{}, good), push(t, reg, "it:2", ocispecs.Image{}, odd)
	cutArchive, empty := push(t, reg, "it:3", ocispecs.Image{}, short), push(t, reg, "it:4", ocispecs.Image{})
	tests := []struct {
		name     string
		from, to string
		answer   func(w http.ResponseWriter, blob []byte) // in the place of the good layer
		err      error
		text     string
		layer    digest.Digest // of a LayerError
	}{
		{name: "the first is absent", from: reg.Host + "/it:none", to: reg.Host + "/nothing:1", err: registry.ErrAbsent, text: "looking up " + reg.Host + "/it:none: not found"},
		{name: "the second is absent", from: it, to: reg.Host + "/nothing:1", err: registry.ErrAbsent, text: reg.Host + "/nothing:1: not found"},
		{name: "no archive", from: empty, to: noArchive, layer: odd.Digest, text: "archive/tar: invalid tar header; its digest is right, so it was pushed like this"},
		{name: "half an archive", from: empty, to: cutArchive, layer: short.Digest, text: "the archive is not complete: a: unexpected EOF; its digest is right"},
		{name: "damaged", from: empty, to: it, err: registry.ErrBroken, text: "reading " + good.Digest.String() + " of " + it + ": invalid response: the content's digest is",
			answer: func(w http.ResponseWriter, blob []byte) {
				blob[len(blob)/2] ^= 0xff
				_, _ = w.Write(blob)
			}},
		{name: "damaged, and no archive any more", from: empty, to: it, err: registry.ErrBroken, text: "the content's digest is",
			answer: func(w http.ResponseWriter, blob []byte) { _, _ = w.Write(bytes.Repeat([]byte("x"), len(blob))) }},
		{name: "cut off", from: empty, to: it, err: registry.ErrBroken, text: fmt.Sprintf("it is 20 bytes long, the manifest says %d", good.Size),
			answer: func(w http.ResponseWriter, blob []byte) { _, _ = w.Write(blob[:20]) }},
		{name: "missing", from: empty, to: it, err: registry.ErrBroken, text: "the manifest names the blob " + good.Digest.String() + ", which the registry does not have",
			answer: func(w http.ResponseWriter, _ []byte) { w.WriteHeader(http.StatusNotFound) }},
		{name: "denied", from: empty, to: it, err: registry.ErrDenied, text: "access denied: 403 Forbidden",
			answer: func(w http.ResponseWriter, _ []byte) { w.WriteHeader(http.StatusForbidden) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			reg.SetFault(func(w http.ResponseWriter, r *http.Request) bool {
				if tt.answer == nil || !strings.HasSuffix(r.URL.Path, good.Digest.String()) {
					return false
				}
				tt.answer(w, contentOf(t, good))
				return true
			})
			defer reg.SetFault(nil)
			_, err := reader.Diff(t.Context(), tt.from, tt.to)
			if !wantError(t, err, tt.text) || tt.err != nil && !errors.Is(err, tt.err) {
				t.Errorf("got %v, want %v", err, tt.err)
			}
			var broken *LayerError
			if is := errors.As(err, &broken); is != (tt.layer != "") || is && (broken.Layer != tt.layer || broken.Reference != tt.to) {
				t.Errorf("got %+v", broken)
			}
		})
	}
}

func contentOf(t *testing.T, b testenv.Blob) []byte {
	t.Helper()
	r, err := b.Open()
	if err != nil {
		t.Fatal(err)
	}
	var content bytes.Buffer
	if _, err := content.ReadFrom(r); err != nil {
		t.Fatal(err)
	}
	return content.Bytes()
}

// TestReaderTakesUpABrokenTransfer breaks a layer's transfer once, in its middle.
func TestReaderTakesUpABrokenTransfer(t *testing.T) {
	reg, reader := registryFor(t)
	big := layer{file("a", strings.Repeat("0123456789", 50_000))}
	blob := blobOf(t, big, ocispecs.MediaTypeImageLayer)
	ref := push(t, reg, "it:1", ocispecs.Image{}, blob)
	broken := false
	reg.SetFault(func(w http.ResponseWriter, r *http.Request) bool {
		if broken || !strings.HasSuffix(r.URL.Path, blob.Digest.String()) {
			return false
		}
		broken = true
		w.Header().Set("Content-Length", fmt.Sprint(blob.Size))
		_, _ = w.Write(contentOf(t, blob)[:100_000])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	fetched(reg)
	img, err := reader.Image(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	wantLines(t, listing(t, img), []string{"+ /a: file 0644 0:0, 500.0 kB"})
	if pulled := fetched(reg)[blob.Digest.String()]; pulled != 2 {
		t.Errorf("%d requests for the layer", pulled)
	}
}

func TestReaderIsToldWhatStandsInTheWay(t *testing.T) {
	reg, reader := registryFor(t, testenv.WithPassword("me", "secret"))
	ref := push(t, reg, "it:1", ocispecs.Image{}, gzipBlobs(t, layer{file("a", "1")})...)
	if _, err := reader.Diff(t.Context(), ref, ref); !errors.Is(err, registry.ErrDenied) || !strings.Contains(err.Error(), "docker login "+reg.Host) {
		t.Errorf("without credentials: %v", err)
	}
	dir := t.TempDir()
	t.Setenv("DOCKER_CONFIG", dir)
	if err := reg.Login(dir); err != nil {
		t.Fatal(err)
	}
	if img, err := readerFor(t).Image(t.Context(), ref); err != nil || len(img.Layers) != 1 {
		t.Errorf("with credentials: %v", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := listener.Addr().String() + "/it:1"
	_ = listener.Close()
	if _, err := reader.Diff(t.Context(), gone, ref); !errors.Is(err, registry.ErrUnreachable) || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("connection refused: %v", err)
	}
	var fault *registry.Error
	if _, err := reader.Diff(t.Context(), "UPPER:1", ref); err == nil || errors.As(err, &fault) || !strings.Contains(err.Error(), "must be lowercase") {
		t.Errorf("malformed: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := readerFor(t).Diff(ctx, ref, ref); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}
