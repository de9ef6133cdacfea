package registry

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// real is distribution's registry. A test may intercept its requests.
type real struct {
	*pusher
	ref     string // of the tag "it"
	client  *Client
	handler http.Handler

	mu     sync.Mutex
	before func(w http.ResponseWriter, r *http.Request) bool // if it returns true, it has sent the response
}

func newReal(t *testing.T) *real {
	t.Helper()
	handler, err := Handler(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	reg := &real{handler: handler}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reg.mu.Lock()
		before := reg.before
		reg.mu.Unlock()
		if before == nil || !before(w, r) {
			handler.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	reg.pusher = &pusher{client: server.Client(), base: server.URL + "/v2/" + repo}
	reg.ref = server.Listener.Addr().String() + "/" + repo + ":it"
	reg.client, _ = newClient(t, Options{})
	return reg
}

func (r *real) interfere(before func(w http.ResponseWriter, r *http.Request) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.before = before
}

// platformImage pushes an image by its digest. word is an annotation, so that a test can name the image.
func (r *real) platformImage(t *testing.T, p ocispecs.Platform, word string) ocispecs.Descriptor {
	t.Helper()
	f := &fake{serves: map[string]content{}}
	m := f.manifestOf(p)
	m.Annotations = map[string]string{"word": word}
	r.blob(t, f.serves["blobs/"+m.Config.Digest.String()].body)
	r.blob(t, []byte("layer"))
	d := r.manifest(t, "", m.MediaType, m)
	d.Platform = &p
	return d
}

// attest pushes an attestation of an image.
func (r *real) attest(t *testing.T, of ocispecs.Descriptor, word string) ocispecs.Descriptor {
	t.Helper()
	d := r.platformImage(t, ocispecs.Platform{OS: "unknown", Architecture: "unknown"}, word)
	d.Annotations = map[string]string{annotationAttests: "attestation-manifest", annotationAttestsTo: of.Digest.String()}
	return d
}

func (r *real) index(t *testing.T, tag string, entries ...ocispecs.Descriptor) ocispecs.Descriptor {
	t.Helper()
	index := emptyIndex()
	index.Manifests = entries
	return r.manifest(t, tag, index.MediaType, index)
}

// manifest pushes JSON under a tag, or by its digest if the tag is empty.
func (r *real) manifest(t *testing.T, tag, mediaType string, value any) ocispecs.Descriptor {
	t.Helper()
	body, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	d := ocispecs.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(body), Size: int64(len(body))}
	if tag == "" {
		tag = d.Digest.String()
	}
	r.do(t, http.MethodPut, r.base+"/manifests/"+tag, mediaType, body, http.StatusCreated)
	return d
}

// tagContent returns the kind of the tag's manifest and the words of its images, in order.
func (r *real) tagContent(t *testing.T) string {
	t.Helper()
	parsed, err := r.client.target("reading", r.ref)
	if err != nil {
		t.Fatal(err)
	}
	top, err := r.client.manifest(t.Context(), parsed, parsed.wanted())
	if err != nil {
		t.Fatal(err)
	}
	if top.image != nil {
		return "image " + top.image.Annotations["word"]
	}
	text := "index"
	for _, d := range top.index.Manifests {
		leaf, err := r.client.manifest(t.Context(), parsed, wanted{digest: d.Digest})
		if err != nil {
			t.Fatal(err)
		}
		text += " " + leaf.image.Annotations["word"]
	}
	return text
}

func platformsOf(all ...ocispecs.Platform) []ocispecs.Platform { return all }

func TestPublish(t *testing.T) {
	tests := []struct {
		name   string
		before func(t *testing.T, r *real) // what the tag is
		pushed func(t *testing.T, r *real) Pushed
		want   string
		same   bool // the tag points to the pushed manifest itself
	}{
		{"an image, the tag is absent", nil, pushImage(amd64), "image new-amd64", true},
		{"an image, the tag holds the platform", func(t *testing.T, r *real) {
			r.manifest(t, "it", ocispecs.MediaTypeImageIndex, oneImage(t, r, amd64))
		}, pushImage(amd64), "image new-amd64", true},
		{"an image, the tag is another platform's", func(t *testing.T, r *real) { r.tag(t, arm64) }, pushImage(amd64), "index old-arm64 new-amd64", false},
		{"an image, the tag is its platform's", func(t *testing.T, r *real) { r.tag(t, armv8) }, pushImage(arm64), "image new-arm64", true},
		{"an image, the tag is for no platform", func(t *testing.T, r *real) { r.tag(t, ocispecs.Platform{}) }, pushImage(amd64), "image new-amd64", true},
		{"an image, the tag holds others", func(t *testing.T, r *real) {
			a, b := r.platformImage(t, amd64, "old-amd64"), r.platformImage(t, arm64, "old-arm64")
			r.index(t, "it", a, b, r.attest(t, a, "about-amd64"), r.attest(t, b, "about-arm64"))
		}, pushImage(amd64), "index new-amd64 old-arm64 about-arm64", false},
		{"an image, the index says no platform", func(t *testing.T, r *real) {
			a := r.platformImage(t, arm64, "old-arm64")
			a.Platform = nil
			r.index(t, "it", a)
		}, pushImage(amd64), "index old-arm64 new-amd64", false},
		{"an index, the tag is absent", nil, pushIndex(amd64, arm64), "index new-amd64 new-arm64 about-amd64 about-arm64", true},
		{"an index, the tag holds all", func(t *testing.T, r *real) {
			r.index(t, "it", r.platformImage(t, amd64, "old"), r.platformImage(t, arm64, "old"))
		}, pushIndex(amd64, arm64), "index new-amd64 new-arm64 about-amd64 about-arm64", true},
		{"an index, the tag holds a third", func(t *testing.T, r *real) { r.tag(t, armv7) }, pushIndex(amd64, arm64),
			"index old-armv7 new-amd64 new-arm64 about-amd64 about-arm64", false},
		{"one platform of an index", func(t *testing.T, r *real) { r.tag(t, arm64) }, func(t *testing.T, r *real) Pushed {
			p := pushIndex(amd64, arm64)(t, r)
			p.Platforms = platformsOf(amd64)
			return p
		}, "index old-arm64 new-amd64 about-amd64", false},
		{"a tag that cannot be read, replaced", breakTag, func(t *testing.T, r *real) Pushed {
			p := pushImage(amd64)(t, r)
			p.Replace = true
			return p
		}, "image new-amd64", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newReal(t)
			if tt.before != nil {
				tt.before(t, r)
			}
			pushed := tt.pushed(t, r)
			got, err := r.client.MergeIndex(t.Context(), r.ref, pushed)
			if err != nil {
				t.Fatal(err)
			}
			r.interfere(nil)
			if now, err := r.client.Resolve(t.Context(), r.ref); err != nil || now != got || (got == pushed.Digest) != tt.same {
				t.Errorf("the tag points to %s, %v; MergeIndex returned %s, pushed %s", now, err, got, pushed.Digest)
			}
			if got := r.tagContent(t); got != tt.want {
				t.Errorf("the tag is %q, want %q", got, tt.want)
			}
			if again, err := r.client.MergeIndex(t.Context(), r.ref, pushed); err != nil || again != got {
				t.Errorf("published again, it points to %s, %v, want %s", again, err, got)
			}
		})
	}
}

// tag puts an image for a platform under the tag.
func (r *real) tag(t *testing.T, p ocispecs.Platform) {
	t.Helper()
	f := &fake{serves: map[string]content{}}
	m := f.manifestOf(p)
	m.Annotations = map[string]string{"word": "old-" + p.Architecture + p.Variant}
	r.blob(t, f.serves["blobs/"+m.Config.Digest.String()].body)
	r.blob(t, []byte("layer"))
	r.manifest(t, "it", m.MediaType, m)
}

func oneImage(t *testing.T, r *real, p ocispecs.Platform) ocispecs.Index {
	t.Helper()
	index := emptyIndex()
	index.Manifests = list(r.platformImage(t, p, "old"))
	return index
}

func pushImage(p ocispecs.Platform) func(t *testing.T, r *real) Pushed {
	return func(t *testing.T, r *real) Pushed {
		t.Helper()
		return Pushed{Digest: r.platformImage(t, p, "new-"+p.Architecture).Digest, Platforms: platformsOf(p)}
	}
}

func pushIndex(all ...ocispecs.Platform) func(t *testing.T, r *real) Pushed {
	return func(t *testing.T, r *real) Pushed {
		t.Helper()
		var images, attestations []ocispecs.Descriptor
		for _, p := range all {
			image := r.platformImage(t, p, "new-"+p.Architecture)
			images, attestations = append(images, image), append(attestations, r.attest(t, image, "about-"+p.Architecture))
		}
		return Pushed{Digest: r.index(t, "", append(images, attestations...)...).Digest, Platforms: all}
	}
}

// breakTag makes the tag unreadable until it is written.
func breakTag(_ *testing.T, r *real) {
	written := false
	r.interfere(func(w http.ResponseWriter, req *http.Request) bool {
		isTag := strings.HasSuffix(req.URL.Path, "/manifests/it")
		written = written || isTag && req.Method == http.MethodPut
		if isTag && !written && req.Method == http.MethodGet {
			fmt.Fprint(w, "<html>")
			return true
		}
		return false
	})
}

// TestPublishConcurrently has independent writers of one tag: no image is lost.
func TestPublishConcurrently(t *testing.T) {
	r := newReal(t)
	r.client.pause = pause // real delays keep the writers apart
	all := platformsOf(amd64, arm64, armv7, ocispecs.Platform{OS: "linux", Architecture: "s390x"})
	var wg sync.WaitGroup
	for _, p := range all {
		pushed := pushImage(p)(t, r)
		pushed.Watch = true
		wg.Go(func() {
			if _, err := r.client.MergeIndex(t.Context(), r.ref, pushed); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, p := range all {
		if _, err := r.client.Lookup(t.Context(), r.ref, p); err != nil {
			t.Error(err)
		}
	}
}

// TestPublishRaced has another writer that writes the tag between the requests of MergeIndex.
func TestPublishRaced(t *testing.T) {
	tests := []struct {
		name   string
		when   func(n int, req *http.Request) bool // of the n-th request for the tag
		held   bool                                // the tag holds an older image
		always bool
	}{
		{name: "between reading and writing", held: true, when: func(n int, req *http.Request) bool { return n == 2 && req.Method == http.MethodHead }},
		{name: "after writing", when: func(n int, req *http.Request) bool { return n == 3 && req.Method == http.MethodHead }},
		{name: "after writing over another image", held: true, when: func(n int, req *http.Request) bool { return n == 4 && req.Method == http.MethodHead }},
		{name: "all the time", when: func(_ int, req *http.Request) bool { return req.Method == http.MethodHead }, always: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newReal(t)
			mine := pushImage(amd64)(t, r)
			if tt.held {
				r.tag(t, amd64)
			}
			n := 0
			r.interfere(func(_ http.ResponseWriter, req *http.Request) bool {
				if !strings.HasSuffix(req.URL.Path, "/manifests/it") {
					return false
				}
				if n++; tt.when(n, req) {
					before := r.before
					r.interfere(nil)
					other := r.platformImage(t, arm64, fmt.Sprint("other", n))
					r.index(t, "it", other)
					r.interfere(before)
				}
				return false
			})
			_, err := r.client.MergeIndex(t.Context(), r.ref, mine)
			if tt.always {
				wantFault(t, err, ErrBroken)
				wantFirstLine(t, err, "publishing ", repo+":it: ", "others changed the tag 8 times")
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			r.interfere(nil)
			for _, p := range platformsOf(amd64, arm64) {
				if _, err := r.client.Lookup(t.Context(), r.ref, p); err != nil {
					t.Error(err)
				}
			}
		})
	}
}
