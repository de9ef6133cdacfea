package registry

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// TestTag: a further tag names an image or an index as a whole, and loses what it named.
func TestTag(t *testing.T) {
	r := newReal(t)
	amd := ocispecs.Platform{OS: "linux", Architecture: "amd64"}
	arm := ocispecs.Platform{OS: "linux", Architecture: "arm64"}
	one, other := r.platformImage(t, amd, "one"), r.platformImage(t, arm, "other")
	both := r.index(t, "", one, other)
	latest := strings.TrimSuffix(r.ref, ":it") + ":latest"
	for _, of := range []digest.Digest{one.Digest, both.Digest, both.Digest, other.Digest} {
		if err := r.client.Tag(t.Context(), latest, of); err != nil {
			t.Fatal(err)
		}
		if got, err := r.client.Resolve(t.Context(), latest); got != of || err != nil {
			t.Errorf("got %s, %v, want %s", got, err, of)
		}
	}
	if err := r.client.Tag(t.Context(), latest, digest.FromString("none")); err == nil || !strings.Contains(err.Error(), "is missing") {
		t.Errorf("of nothing: got %v", err)
	}
	r.interfere(func(w http.ResponseWriter, q *http.Request) bool {
		if q.Method == http.MethodPut {
			w.WriteHeader(http.StatusForbidden)
		}
		return q.Method == http.MethodPut
	})
	if err := r.client.Tag(t.Context(), latest, one.Digest); !errors.Is(err, ErrDenied) {
		t.Errorf("got %v", err)
	}
}
