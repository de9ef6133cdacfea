package destination

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/engine"
	"github.com/rtbuild/rtbuild/internal/solve"
	"github.com/rtbuild/rtbuild/internal/testenv"
	"github.com/rtbuild/rtbuild/internal/testkit/fakeengine"
)

// TestResolveInStore: a registry is asked only for what the engine says that it does not have.
func TestResolveInStore(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	reg, err := testenv.StartRegistry(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(reg.Close)
	for _, tt := range []struct {
		name    string
		status  int  // that the engine answers; 0: it has the image
		asked   bool // the registry is, which has no image
		refused bool // the error is the engine's
	}{
		{name: "it is there"},
		{name: "absent", status: http.StatusNotFound, asked: true},
		{name: "denied", status: http.StatusForbidden, refused: true},
		{name: "broken", status: http.StatusInternalServerError, refused: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			fake, err := fakeengine.Start()
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = fake.Close() })
			ref := reg.Host + "/base:1"
			has := fake.Put(ref, "linux/amd64", "")
			if tt.status != 0 {
				fake.Fault = func(w http.ResponseWriter, _ *http.Request) bool {
					fakeengine.Refuse(w, tt.status, "answered so")
					return true
				}
			}
			asked := false
			reg.SetFault(func(http.ResponseWriter, *http.Request) bool { asked = true; return false })
			d, err := New(Options{Repository: "a"})
			if err != nil {
				t.Fatal(err)
			}
			d.Engine = &engine.Engine{APIClient: fake.Client}
			got, err := d.Resolve(t.Context(), ref, ocispecs.Platform{})
			if asked != tt.asked || (err == nil) != (got == has) || (err != nil) != (tt.status != 0) {
				t.Errorf("got %s, %v; the registry was asked: %t", got, err, asked)
			}
			if failed := new(solve.BuilderError); errors.As(err, &failed) != tt.refused || tt.refused && !strings.Contains(err.Error(), "answered so") {
				t.Errorf("got %v", err)
			}
		})
	}
}
