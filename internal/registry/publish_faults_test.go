package registry

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
)

func TestPublishFaults(t *testing.T) {
	tests := []struct {
		name   string
		before func(w http.ResponseWriter, r *http.Request) bool
		pushed func(t *testing.T, r *real) Pushed
		err    error
		text   string
	}{
		{name: "it is gone", pushed: func(*testing.T, *real) Pushed {
			return Pushed{Digest: digest.FromString("x"), Platforms: platformsOf(amd64)}
		}, err: ErrBroken, text: "the manifest that was just pushed is missing"},
		{name: "may not be written", pushed: pushImage(amd64), err: ErrDenied, text: "403 Forbidden: no", before: onWrite(403, "DENIED", "no")},
		{name: "no such request", pushed: pushImage(amd64), err: ErrBroken, text: "400 Bad Request: what?", before: onWrite(400, "TAG_INVALID", "what?")},
		{name: "immutable, Amazon ECR", pushed: pushImage(amd64), err: ErrImmutable, text: "allow the tag to move", before: onWrite(400, "TAG_INVALID",
			"The image tag 'it' already exists in the 'team/app' repository and cannot be overwritten because the tag is immutable.")},
		{name: "immutable, Amazon ECR's other words", pushed: pushImage(amd64), err: ErrImmutable, text: "allow the tag to move",
			before: onWrite(400, "ImageTagAlreadyExistsException", "no")},
		{name: "immutable, Harbor", pushed: pushImage(amd64), err: ErrImmutable, text: "or choose another repository with --repository",
			before: onWrite(412, "PRECONDITION", "Failed to process request due to 'app:it' configured as immutable.")},
		{name: "immutable, a conflict", pushed: pushImage(amd64), err: ErrImmutable, text: "the tag cannot be moved: 409 Conflict: no", before: onWrite(409, "DENIED", "no")},
		{name: "immutable, forbidden", pushed: pushImage(amd64), err: ErrImmutable, text: "allow the tag to move", before: onWrite(403, "DENIED", "immutable")},
		{name: "read-only", pushed: pushImage(amd64), err: ErrDenied, text: "read-only", before: onWrite(405, "UNSUPPORTED", "no")},
		{name: "may not be read", pushed: pushImage(amd64), err: ErrBroken, text: "not a manifest but",
			before: func(w http.ResponseWriter, r *http.Request) bool {
				if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/it") {
					fmt.Fprint(w, "<html>")
					return true
				}
				return false
			}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newReal(t)
			pushed := tt.pushed(t, r)
			r.interfere(tt.before)
			_, err := r.client.MergeIndex(t.Context(), r.ref, pushed)
			wantFault(t, err, tt.err)
			wantFirstLine(t, err, "publishing "+r.ref+": ", tt.text)
		})
	}
	t.Run("not that platform", func(t *testing.T) {
		r := newReal(t)
		pushed := pushIndex(amd64)(t, r)
		pushed.Platforms = platformsOf(arm64)
		if _, err := r.client.MergeIndex(t.Context(), r.ref, pushed); err == nil || !strings.Contains(err.Error(), "holds no image for the platforms") {
			t.Errorf("got %v", err)
		}
	})
}

// onWrite refuses to write manifests.
func onWrite(status int, code, message string) func(w http.ResponseWriter, r *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPut {
			return false
		}
		refuse(w, status, code, message)
		return true
	}
}

// late makes the registry serve the old tag for some requests after each write, as registries with replicas do.
func (r *real) late(requests int) {
	left := 0
	var was map[string]*httptest.ResponseRecorder
	r.interfere(func(w http.ResponseWriter, req *http.Request) bool {
		if !strings.HasSuffix(req.URL.Path, "/manifests/it") {
			return false
		}
		if req.Method == http.MethodPut {
			left, was = requests, map[string]*httptest.ResponseRecorder{}
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				reading := req.Clone(req.Context())
				reading.Method, reading.Body, reading.Header = method, http.NoBody, acceptManifests
				was[method] = httptest.NewRecorder()
				r.handler.ServeHTTP(was[method], reading)
			}
			return false
		}
		if left == 0 {
			return false
		}
		left--
		old := was[req.Method]
		maps.Copy(w.Header(), old.Header())
		w.WriteHeader(old.Code)
		_, _ = w.Write(old.Body.Bytes())
		return true
	})
}

// TestPublishLate has registries that serve a new manifest late: MergeIndex must not take that for another writer.
func TestPublishLate(t *testing.T) {
	for _, tt := range []struct {
		name  string
		held  bool // the tag holds another platform's image
		after int  // requests that get the old content
		warns bool
		want  string // what the tag holds in the end
	}{
		{"an absent tag", false, 3, false, "image new-amd64"},
		{"another platform's tag", true, 3, false, "index old-arm64 new-amd64"},
		{"very late", true, 20, true, "index old-arm64 new-amd64"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newReal(t)
			var warnings []string
			r.client.warn = func(text string) { warnings = append(warnings, text) }
			if tt.held {
				r.tag(t, arm64)
			}
			pushed := pushImage(amd64)(t, r)
			r.late(tt.after)
			got, err := r.client.MergeIndex(t.Context(), r.ref, pushed)
			if err != nil {
				t.Fatal(err)
			}
			r.interfere(nil)
			if now, err := r.client.Resolve(t.Context(), r.ref); err != nil || now != got {
				t.Errorf("the tag points to %s, %v; MergeIndex returned %s", now, err, got)
			}
			if got := r.tagContent(t); got != tt.want {
				t.Errorf("the tag is %q, want %q", got, tt.want)
			}
			if warned := strings.Contains(strings.Join(warnings, "\n"), "does not serve it yet"); warned != tt.warns || len(warnings) > 1 {
				t.Errorf("warnings: %q", warnings)
			}
		})
	}
}

// TestPublishLateDigest has a registry that serves the pushed digest late.
func TestPublishLateDigest(t *testing.T) {
	r := newReal(t)
	pushed := pushImage(amd64)(t, r)
	asked := 0
	r.interfere(func(w http.ResponseWriter, req *http.Request) bool {
		if !strings.HasSuffix(req.URL.Path, pushed.Digest.String()) || asked == 3 {
			return false
		}
		asked++
		refuse(w, http.StatusNotFound, "MANIFEST_UNKNOWN", "manifest unknown")
		return true
	})
	if got, err := r.client.MergeIndex(t.Context(), r.ref, pushed); err != nil || got != pushed.Digest || asked != 3 {
		t.Errorf("got %s, %v, asked %d times", got, err, asked)
	}
}

// TestPublishUnchanged has an immutable tag with the right content already: nothing is written.
func TestPublishUnchanged(t *testing.T) {
	r := newReal(t)
	pushed := pushImage(amd64)(t, r)
	if _, err := r.client.MergeIndex(t.Context(), r.ref, pushed); err != nil {
		t.Fatal(err)
	}
	r.interfere(onWrite(412, "PRECONDITION", "immutable"))
	if got, err := r.client.MergeIndex(t.Context(), r.ref, pushed); err != nil || got != pushed.Digest {
		t.Errorf("got %s, %v", got, err)
	}
}

// TestPublishRetry: a write that fails once is repeated, with its body.
func TestPublishRetry(t *testing.T) {
	r := newReal(t)
	pushed := pushImage(amd64)(t, r)
	failed := false
	r.interfere(func(w http.ResponseWriter, req *http.Request) bool {
		if req.Method == http.MethodPut && !failed {
			failed = true
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		}
		return false
	})
	if _, err := r.client.MergeIndex(t.Context(), r.ref, pushed); err != nil || !failed {
		t.Errorf("%v, failed first: %t", err, failed)
	}
	if got := r.tagContent(t); got != "image new-amd64" {
		t.Errorf("the tag is %q", got)
	}
}
