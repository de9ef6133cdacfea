package solve

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/rtbuild/rtbuild/llb"
	"github.com/rtbuild/rtbuild/tags"
)

// TestFetchWithoutChecksum: the state of a tool without a known checksum has the checksum of its content. An error shows no token of
// the address.
func TestFetchWithoutChecksum(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/editor" {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, "an editor")
	}))
	t.Cleanup(server.Close)
	d, err := OpenDownloads(t.Context(), Installation{}, DownloadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	state, err := d.Fetch(llb.Download{Name: "editor", Title: "editor 1", URL: server.URL + "/editor?token=HUNTER2"})
	if err != nil {
		t.Fatal(err)
	}
	def, err := state.Marshal(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sum := digest.FromString("an editor").Encoded()
	graph := string(slices.Concat(def.Def...))
	if !strings.Contains(graph, `["`+sum+`"]`) || !strings.Contains(graph, "/"+sum+"/editor") {
		t.Errorf("the builder is told %q", graph)
	}
	t.Run("is what the builder gets", func(t *testing.T) {
		read := func() (string, error) {
			f, err := d.Local.Open(sum + "/editor")
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			data, err := io.ReadAll(f)
			return string(data), err
		}
		if got, err := read(); got != "an editor" || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
		if err := os.WriteFile(filepath.Join(d.files.Dir(), sum, "editor"), []byte("an e-evil"), 0o600); err != nil {
			t.Fatal(err)
		}
		var changed *tags.ChangedError
		if got, err := read(); !errors.As(err, &changed) || changed.Path != sum+"/editor" {
			t.Errorf("got %q, %v", got, err)
		}
	})
	_, err = d.Fetch(llb.Download{Name: "editor", Title: "editor 1", URL: server.URL + "/none?token=HUNTER2"})
	if err == nil || err.Error() != "downloading editor 1 from "+server.URL+"/none: the server answered 404 Not Found" {
		t.Errorf("got %v", err)
	}
}
