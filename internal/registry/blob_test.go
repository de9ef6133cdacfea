package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// layer is a blob that is longer than one read.
var layer = bytes.Repeat([]byte("0123456789abcdef"), 20_000)

// layerOf serves the layer and an image that names it.
func layerOf(f *fake) ocispecs.Descriptor {
	return f.put("blobs", ocispecs.MediaTypeImageLayer, layer)
}

// breaksOff answers with what a blob has from an offset to another, and breaks the connection.
func breaksOff(w http.ResponseWriter, status, from, to int) bool {
	w.Header().Set("Content-Length", fmt.Sprint(len(layer)-from))
	w.WriteHeader(status)
	_, _ = w.Write(layer[from:to])
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

func TestBlob(t *testing.T) {
	const half = 100_000
	tests := []struct {
		name     string
		response func(try int, w http.ResponseWriter, r *http.Request) bool // in the registry's place
		change   func(*ocispecs.Descriptor)
		err      error
		text     string
		requests int
		waits    int
	}{
		{name: "whole", requests: 1},
		{name: "no length said", response: func(_ int, w http.ResponseWriter, _ *http.Request) bool {
			_, _ = w.Write(layer[:half])
			_ = http.NewResponseController(w).Flush()
			_, _ = w.Write(layer[half:])
			return true
		}, requests: 1},
		{name: "served as compressed for the way", response: func(_ int, w http.ResponseWriter, r *http.Request) bool {
			if r.Header.Get("Accept-Encoding") != "identity" {
				refuse(w, http.StatusNotAcceptable, "", "the client would unpack it")
				return true
			}
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(layer)
			return true
		}, requests: 1},
		{name: "absent", change: func(d *ocispecs.Descriptor) { d.Digest = digest.FromString("none") },
			err: ErrBroken, text: "the manifest names the blob " + digest.FromString("none").String() + ", which the registry does not have; push the image again", requests: 1},
		{name: "denied", response: func(_ int, w http.ResponseWriter, _ *http.Request) bool {
			refuse(w, http.StatusForbidden, "DENIED", "not you")
			return true
		}, err: ErrDenied, text: "403 Forbidden: not you; no credentials found", requests: 1},
		{name: "no digest", change: func(d *ocispecs.Descriptor) { d.Digest = "sha256:short" }, err: ErrBroken, text: `the manifest names "sha256:short"`},
		{name: "other content", response: func(_ int, w http.ResponseWriter, _ *http.Request) bool {
			_, _ = w.Write(bytes.ToUpper(layer))
			return true
		}, err: ErrBroken, text: fmt.Sprintf("the content's digest is %s, not %s; the registry's copy is damaged",
			digest.FromBytes(bytes.ToUpper(layer)), digest.FromBytes(layer)), requests: 1},
		{name: "shorter", response: func(_ int, w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Length", "10")
			_, _ = w.Write(layer[:10])
			return true
		}, err: ErrBroken, text: "it is 10 bytes long, the manifest says 320000", requests: 1},
		{name: "shorter, no length said", response: func(_ int, w http.ResponseWriter, _ *http.Request) bool {
			_, _ = w.Write(layer[:half])
			_ = http.NewResponseController(w).Flush()
			return true
		}, err: ErrBroken, text: "it is 100000 bytes long, the manifest says 320000", requests: 1},
		{name: "longer", change: func(d *ocispecs.Descriptor) { d.Size = half }, err: ErrBroken, text: "it is longer, the manifest says 100000", requests: 1},
		{name: "throttled first", response: func(try int, w http.ResponseWriter, _ *http.Request) bool {
			if try == 1 {
				refuse(w, http.StatusTooManyRequests, "TOOMANYREQUESTS", "slower")
			}
			return try == 1
		}, requests: 2, waits: 1},
		{name: "broken off, taken up", response: func(try int, w http.ResponseWriter, r *http.Request) bool {
			if try == 1 {
				return breaksOff(w, http.StatusOK, 0, half)
			}
			if got := r.Header.Get("Range"); got != "bytes=100000-" {
				refuse(w, http.StatusBadRequest, "", "range "+got)
				return true
			}
			w.WriteHeader(http.StatusPartialContent)
			_, _ = w.Write(layer[half:])
			return true
		}, requests: 2, waits: 1},
		{name: "broken off, no ranges", response: func(try int, w http.ResponseWriter, _ *http.Request) bool {
			return try == 1 && breaksOff(w, http.StatusOK, 0, half)
		}, requests: 2, waits: 1},
		{name: "broken off, shorter afterwards", response: func(try int, w http.ResponseWriter, _ *http.Request) bool {
			if try == 1 {
				return breaksOff(w, http.StatusOK, 0, half)
			}
			_, _ = w.Write(layer[:10])
			return true
		}, err: ErrBroken, text: "it is shorter than the 100000 bytes that were read before", requests: 2, waits: 1},
		{name: "always broken off", response: func(_ int, w http.ResponseWriter, _ *http.Request) bool {
			return breaksOff(w, http.StatusOK, 0, half)
		}, err: ErrUnreachable, text: "the transfer was cut off after 100000 of 320000 bytes", requests: 4, waits: 3},
		{name: "gone after a break", response: func(try int, w http.ResponseWriter, _ *http.Request) bool {
			if try == 1 {
				return breaksOff(w, http.StatusOK, 0, half)
			}
			refuse(w, http.StatusForbidden, "DENIED", "too late")
			return true
		}, err: ErrDenied, text: "too late", requests: 2, waits: 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake(t)
			tries := 0
			f.before = func(w http.ResponseWriter, r *http.Request) bool {
				tries++
				return tt.response != nil && tt.response(tries, w, r)
			}
			f.Start()
			desc := layerOf(f)
			if tt.change != nil {
				tt.change(&desc)
			}
			c, w := newClient(t, Options{})
			got, err := readBlob(c, f.ref("it"), desc)
			if n := len(f.asked()); n != tt.requests {
				t.Errorf("%d requests, want %d: %v", n, tt.requests, f.asked())
			}
			if n := len(w.all); n != tt.waits {
				t.Errorf("waited %d times, want %d", n, tt.waits)
			}
			if tt.err == nil {
				if err != nil || !bytes.Equal(got, layer) {
					t.Fatalf("got %d bytes, %v", len(got), err)
				}
				return
			}
			wantFault(t, err, tt.err)
			wantFirstLine(t, err, "reading "+desc.Digest.String()+" of "+f.ref("it"), tt.text)
		})
	}
}

// readBlob reads a blob as a whole.
func readBlob(c *Client, ref string, desc ocispecs.Descriptor) ([]byte, error) {
	body, err := c.Blob(context.Background(), ref, desc)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return io.ReadAll(body)
}

func TestBlobOfAnotherServerOrWithLogin(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	f, mirror := newFake(t), started(t)
	f.before = func(w http.ResponseWriter, r *http.Request) bool {
		if _, password, _ := r.BasicAuth(); password == "pw" {
			return false
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
		refuse(w, http.StatusUnauthorized, "UNAUTHORIZED", "who are you")
		return true
	}
	f.Start()
	desc := layerOf(f)
	logIn(t, f.host(), "me", "pw")
	dir := t.TempDir()
	write(t, fmt.Sprintf("server = \"http://%s\"\n[host.\"http://%s\"]\n", f.host(), mirror.host()), dir, f.host(), "hosts.toml")
	c, _ := newClient(t, Options{ConfigDir: dir})
	if got, err := readBlob(c, f.ref("it"), desc); err != nil || !bytes.Equal(got, layer) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	wantRequests(t, mirror, "GET blobs/"+desc.Digest.String())
	layerOf(mirror)
	if got, err := readBlob(c, f.ref("it"), desc); err != nil || !bytes.Equal(got, layer) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	wantRequests(t, f, "GET blobs/"+desc.Digest.String(), "GET blobs/"+desc.Digest.String())
}

// TestBlobEnds ends transfers from which nothing comes: by the client's idle timeout, and by the caller.
func TestBlobEnds(t *testing.T) {
	f := newFake(t)
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	f.before = func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Content-Length", fmt.Sprint(len(layer)))
		_, _ = w.Write(layer[:10])
		_ = http.NewResponseController(w).Flush()
		<-release
		return true
	}
	f.Start()
	desc := layerOf(f)
	t.Run("silent", func(t *testing.T) {
		c, _ := newClient(t, Options{Timeout: 50 * time.Millisecond})
		_, err := readBlob(c, f.ref("it"), desc)
		wantFault(t, err, ErrUnreachable)
		wantFirstLine(t, err, "the transfer was cut off after 10 of 320000 bytes: no complete response within 50ms")
	})
	t.Run("canceled", func(t *testing.T) {
		c, _ := newClient(t, Options{})
		ctx, cancel := context.WithCancel(t.Context())
		body, err := c.Blob(ctx, f.ref("it"), desc)
		if err != nil {
			t.Fatal(err)
		}
		defer body.Close()
		time.AfterFunc(20*time.Millisecond, cancel)
		if _, err := io.ReadAll(body); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("closed", func(t *testing.T) {
		c, _ := newClient(t, Options{})
		body, err := c.Blob(t.Context(), f.ref("it"), desc)
		if err != nil {
			t.Fatal(err)
		}
		if err := body.Close(); err != nil {
			t.Error(err)
		}
		if _, err := body.Read(make([]byte, 1)); err == nil {
			t.Error("a closed blob can be read")
		}
	})
}

func TestRawConfig(t *testing.T) {
	const text = `{"architecture":"amd64","os":"linux","config":{"Healthcheck":{"Test":["NONE"]}}}`
	tests := []struct {
		name   string
		change func(f *fake, m *ocispecs.Manifest)
		err    error
		text   string
	}{
		{name: "there"},
		{name: "absent", change: func(f *fake, m *ocispecs.Manifest) { delete(f.serves, "blobs/"+m.Config.Digest.String()) },
			err: ErrBroken, text: "which the registry does not have"},
		{name: "other content", change: func(f *fake, m *ocispecs.Manifest) {
			f.serves["blobs/"+m.Config.Digest.String()] = content{m.Config.MediaType, []byte("{}")}
		}, err: ErrBroken, text: "the content's digest is"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := started(t)
			m := f.manifestOf(amd64)
			m.Config = f.put("blobs", ocispecs.MediaTypeImageConfig, []byte(text))
			f.put("manifests", ocispecs.MediaTypeImageManifest, m, "it")
			c, _ := newClient(t, Options{})
			img, err := c.Lookup(t.Context(), f.ref("it"), amd64)
			if err != nil {
				t.Fatal(err)
			}
			if tt.change != nil {
				tt.change(f, &m)
			}
			got, err := c.RawConfig(t.Context(), img)
			if tt.err == nil && (err != nil || string(got) != text) {
				t.Errorf("got %s, %v", got, err)
			}
			if tt.err != nil {
				wantFault(t, err, tt.err)
				wantFirstLine(t, err, "reading the config of "+f.ref("it"), tt.text)
			}
		})
	}
}

func TestRawConfigOfNothing(t *testing.T) {
	f := started(t)
	index := f.index("it", f.image(amd64))
	c, _ := newClient(t, Options{})
	_, err := c.RawConfig(t.Context(), &Image{Reference: f.ref("it"), Manifest: index.Digest})
	wantFault(t, err, ErrBroken)
	if _, err := c.RawConfig(t.Context(), &Image{Reference: "UPPER"}); err == nil || !strings.Contains(err.Error(), "must be lowercase") {
		t.Errorf("got %v", err)
	}
}
