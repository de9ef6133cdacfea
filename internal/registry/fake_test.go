package registry

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

var (
	amd64 = ocispecs.Platform{OS: "linux", Architecture: "amd64"}
	arm64 = ocispecs.Platform{OS: "linux", Architecture: "arm64"}
	armv8 = ocispecs.Platform{OS: "linux", Architecture: "arm64", Variant: "v8"}
	armv7 = ocispecs.Platform{OS: "linux", Architecture: "arm", Variant: "v7"}
)

const repo = "team/app"

// content is what a fake registry serves at a path below the repository.
type content struct {
	mediaType string
	body      []byte
}

// fake is an HTTP server that serves one repository, with the faults that a test sets.
type fake struct {
	*httptest.Server
	before func(w http.ResponseWriter, r *http.Request) bool // if it returns true, it has sent the response

	mu       sync.Mutex
	requests []string
	serves   map[string]content
}

// newFake returns a fake that is not started.
func newFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{serves: map[string]content{}}
	f.Server = httptest.NewUnstartedServer(f)
	f.Config.ErrorLog = log.New(io.Discard, "", 0)
	t.Cleanup(func() {
		f.CloseClientConnections()
		f.Close()
	})
	return f
}

// started returns a running fake that speaks plain HTTP on loopback.
func started(t *testing.T) *fake {
	f := newFake(t)
	f.Start()
	return f
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.requests = append(f.requests, r.Method+" "+r.URL.Path)
	found, ok := f.serves[strings.TrimPrefix(r.URL.Path, "/v2/"+repo+"/")]
	f.mu.Unlock()
	if f.before != nil && f.before(w, r) {
		return
	}
	if !ok {
		refuse(w, http.StatusNotFound, "MANIFEST_UNKNOWN", "manifest unknown")
		return
	}
	w.Header().Set("Content-Type", found.mediaType)
	w.Header().Set("Content-Length", fmt.Sprint(len(found.body)))
	w.Header().Set("Docker-Content-Digest", digest.FromBytes(found.body).String())
	if r.Method != http.MethodHead {
		_, _ = w.Write(found.body)
	}
}

// refuse sends an error response in the registries' format.
func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": []any{map[string]any{"code": code, "message": message}}})
}

// asked returns the requests so far, without the repository in their paths.
func (f *fake) asked() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []string
	for _, r := range f.requests {
		all = append(all, strings.Replace(r, "/v2/"+repo+"/", "", 1))
	}
	return all
}

// host is the server's name in references.
func (f *fake) host() string { return f.Listener.Addr().String() }

// ref returns a reference to a tag or digest in the fake.
func (f *fake) ref(name string) string {
	if strings.Contains(name, ":") {
		return f.host() + "/" + repo + "@" + name
	}
	return f.host() + "/" + repo + ":" + name
}

// put serves a document under names and its digest, and returns its descriptor.
func (f *fake) put(kind, mediaType string, value any, names ...string) ocispecs.Descriptor {
	body, ok := value.([]byte)
	if !ok {
		var err error
		if body, err = json.Marshal(value); err != nil {
			panic(err)
		}
	}
	desc := ocispecs.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(body), Size: int64(len(body))}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, name := range append(names, desc.Digest.String()) {
		f.serves[kind+"/"+name] = content{mediaType, body}
	}
	return desc
}

// config serves an image's config.
func (f *fake) config(p ocispecs.Platform) ocispecs.Descriptor {
	return f.put("blobs", ocispecs.MediaTypeImageConfig, ocispecs.Image{
		Platform: p,
		Config:   ocispecs.ImageConfig{Labels: map[string]string{"io.rtbuild.stage": "source-" + p.Architecture + p.Variant}},
	})
}

// image serves an image for a platform under tags, and returns its manifest's descriptor with that platform.
func (f *fake) image(p ocispecs.Platform, tags ...string) ocispecs.Descriptor {
	desc := f.put("manifests", ocispecs.MediaTypeImageManifest, f.manifestOf(p), tags...)
	desc.Platform = &p
	return desc
}

func (f *fake) manifestOf(p ocispecs.Platform) ocispecs.Manifest {
	return ocispecs.Manifest{
		Versioned:   specs.Versioned{SchemaVersion: 2},
		MediaType:   ocispecs.MediaTypeImageManifest,
		Config:      f.config(p),
		Layers:      []ocispecs.Descriptor{{MediaType: ocispecs.MediaTypeImageLayerGzip, Digest: digest.FromString("layer"), Size: 5}},
		Annotations: map[string]string{"a": "b"},
	}
}

// index serves an index.
func (f *fake) index(tag string, entries ...ocispecs.Descriptor) ocispecs.Descriptor {
	return f.put("manifests", ocispecs.MediaTypeImageIndex, ocispecs.Index{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispecs.MediaTypeImageIndex, Manifests: entries,
	}, tag)
}

// attestation returns an index's entry for an attestation, as BuildKit writes it.
func attestation(of ocispecs.Descriptor) ocispecs.Descriptor {
	return ocispecs.Descriptor{
		MediaType: ocispecs.MediaTypeImageManifest, Digest: digest.FromString("attestation of " + of.Digest.String()), Size: 1,
		Platform:    &ocispecs.Platform{OS: "unknown", Architecture: "unknown"},
		Annotations: map[string]string{"vnd.docker.reference.type": "attestation-manifest"},
	}
}

// waits records the delays between a client's attempts.
type waits struct {
	mu  sync.Mutex
	all []time.Duration
}

func (w *waits) pause(ctx context.Context, d time.Duration) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, d)
	return ctx.Err()
}

// newClient returns a client that has only the credentials of the test, and that skips all delays.
func newClient(t *testing.T, opt Options) (*Client, *waits) {
	t.Helper()
	if !strings.HasPrefix(os.Getenv("DOCKER_CONFIG"), os.TempDir()) {
		t.Setenv("DOCKER_CONFIG", t.TempDir())
	}
	c, err := New(opt)
	if err != nil {
		t.Fatal(err)
	}
	w := &waits{}
	c.pause = w.pause
	return c, w
}

// write creates a file and its directories.
func write(t *testing.T, text string, elem ...string) string {
	t.Helper()
	file := filepath.Join(elem...)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return file
}

// caOf writes the certificate of a fake that speaks TLS, and returns the file.
func caOf(t *testing.T, f *fake) string {
	t.Helper()
	block := &pem.Block{Type: "CERTIFICATE", Bytes: f.Certificate().Raw}
	return write(t, string(pem.EncodeToMemory(block)), t.TempDir(), "ca.pem")
}

// wantFirstLine checks that the first line of an error holds all texts.
func wantFirstLine(t *testing.T, err error, texts ...string) {
	t.Helper()
	line, _, _ := strings.Cut(err.Error(), "\n")
	for _, text := range texts {
		if !strings.Contains(line, text) {
			t.Errorf("the error's first line %q lacks %q", line, text)
		}
	}
}

// wantRequests checks the requests so far, in order.
func wantRequests(t *testing.T, f *fake, want ...string) {
	t.Helper()
	if got := f.asked(); !slices.Equal(got, want) {
		t.Errorf("requests:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
