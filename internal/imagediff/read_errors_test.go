package imagediff

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/registry"
	"github.com/rtbuild/rtbuild/internal/testenv"
	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
)

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
		answer   func(w http.ResponseWriter, blob []byte) // replaces the response for the good layer
		err      error
		text     string
		layer    digest.Digest // of a LayerError
	}{
		{name: "the first is absent", from: reg.Host + "/it:none", to: reg.Host + "/nothing:1", err: registry.ErrAbsent, text: "looking up " + reg.Host + "/it:none: not found"},
		{name: "the second is absent", from: it, to: reg.Host + "/nothing:1", err: registry.ErrAbsent, text: reg.Host + "/nothing:1: not found"},
		{name: "not an archive", from: empty, to: noArchive, layer: odd.Digest, text: "archive/tar: invalid tar header; its digest is correct, so the layer was already invalid when it was pushed"},
		{name: "half an archive", from: empty, to: cutArchive, layer: short.Digest, text: "the archive is incomplete: a: unexpected EOF; its digest is correct"},
		{name: "damaged", from: empty, to: it, err: registry.ErrBroken, text: "reading " + good.Digest.String() + " of " + it + ": invalid response: the content's digest is",
			answer: func(w http.ResponseWriter, blob []byte) {
				blob[len(blob)/2] ^= 0xff
				_, _ = w.Write(blob)
			}},
		{name: "damaged, and not an archive", from: empty, to: it, err: registry.ErrBroken, text: "the content's digest is",
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
			if !projecttest.WantError(t, err, tt.text) || tt.err != nil && !errors.Is(err, tt.err) {
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

// TestReaderResumesTransfer interrupts a layer's transfer once.
func TestReaderResumesTransfer(t *testing.T) {
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

func TestReaderAccessErrors(t *testing.T) {
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
