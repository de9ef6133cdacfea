package engine_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/rtbuild/rtbuild/internal/engine"
	"github.com/rtbuild/rtbuild/internal/testkit/fakeengine"
)

// start returns an engine with an image of amd64 under a name of its own.
func start(t *testing.T) (*fakeengine.Engine, *engine.Engine) {
	t.Helper()
	fake, err := fakeengine.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = fake.Close() })
	fake.Put("a:new", "linux/amd64", "new")
	return fake, &engine.Engine{APIClient: fake.Client}
}

// TestName: a name moves to an image, and keeps what it holds for other platforms.
func TestName(t *testing.T) {
	const amd64, arm64, s390x = "linux/amd64", "linux/arm64", "linux/s390x"
	for _, tt := range []struct {
		name string
		held []string // platforms
		want string
	}{
		{"nothing", nil, amd64},
		{"the same platform", []string{amd64}, amd64},
		{"another", []string{arm64}, amd64 + " " + arm64},
		{"both", []string{amd64, arm64}, amd64 + " " + arm64},
		{"two others", []string{arm64, s390x}, amd64 + " " + arm64 + " " + s390x},
	} {
		t.Run(tt.name, func(t *testing.T) {
			fake, e := start(t)
			for i, platform := range tt.held {
				fake.Put("a:old", platform, "old")
				if i == 0 {
					fake.Put("a:tag", platform, "old")
				} else if _, err := e.Name(t.Context(), "a:old", "a:tag", false); err != nil {
					t.Fatal(err)
				}
			}
			now, err := e.Name(t.Context(), "a:new", "a:tag", false)
			if err != nil {
				t.Fatal(err)
			}
			if got := fake.Names(); !slices.Contains(got, "a:tag "+tt.want) {
				t.Errorf("the names are %q", got)
			}
			if is, err := e.Resolve(t.Context(), "a:tag"); err != nil || is != now {
				t.Errorf("it points to %s, not to %s; %v", is, now, err)
			}
			if again, err := e.Name(t.Context(), "a:new", "a:tag", false); err != nil || again != now {
				t.Errorf("once more, it points to %s, not to %s; %v", again, now, err)
			}
		})
	}
}

// TestNameFails: whatever the engine reports is an error, and the name keeps what it holds.
func TestNameFails(t *testing.T) {
	on := func(method, path string, answer func(w http.ResponseWriter)) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != method || !strings.HasSuffix(r.URL.Path, path) {
				return false
			}
			answer(w)
			return true
		}
	}
	refuse := func(status int, message string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) { fakeengine.Refuse(w, status, message) }
	}
	for _, tt := range []struct {
		name, err string
		fault     func(http.ResponseWriter, *http.Request) bool
	}{
		{"in the stream of a load", "no space left on device", on("POST", "/images/load", func(w http.ResponseWriter) { fakeengine.Fail(w, "no space left on device") })},
		{"a load that does nothing", "does not point to sha256:", on("POST", "/images/load", func(http.ResponseWriter) {})},
		{"a load is refused", "denied by a plugin", on("POST", "/images/load", refuse(http.StatusForbidden, "denied by a plugin"))},
		{"reading the name is refused", "denied by a plugin", on("GET", "/images/a:tag/json", refuse(http.StatusForbidden, "denied by a plugin"))},
		{"reading the name fails", "broken", on("GET", "/images/a:tag/json", refuse(http.StatusInternalServerError, "broken"))},
		{"the image is gone", "has no such image", on("GET", "/images/a:new/json", refuse(http.StatusNotFound, "No such image: a:new"))},
	} {
		t.Run(tt.name, func(t *testing.T) {
			fake, e := start(t)
			fake.Put("a:tag", "linux/arm64", "old")
			fake.Fault = tt.fault
			if now, err := e.Name(t.Context(), "a:new", "a:tag", false); err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("got %s, %v", now, err)
			}
			if got := fake.Names(); !slices.Equal(got, []string{"a:new linux/amd64", "a:tag linux/arm64"}) {
				t.Errorf("the names are %q", got)
			}
		})
	}
}

// TestNameAtOnce: another writer overwrites the name right after it was written; no platform is lost.
func TestNameAtOnce(t *testing.T) {
	fake, e := start(t)
	var once sync.Once
	written := false
	fake.Fault = func(_ http.ResponseWriter, r *http.Request) bool {
		if written && r.Method == http.MethodGet {
			once.Do(func() { fake.Put("a:tag", "linux/arm64", "theirs") })
		}
		written = written || r.Method == http.MethodPost
		return false
	}
	now, err := e.Name(t.Context(), "a:new", "a:tag", false)
	if err != nil {
		t.Fatal(err)
	}
	if got := fake.Names(); !slices.Contains(got, "a:tag linux/amd64 linux/arm64") || now == digest.FromString("linux/amd64new") {
		t.Errorf("the names are %q", got)
	}
}

// TestNamesAtOnce: several writers add their platforms at the same time.
func TestNamesAtOnce(t *testing.T) {
	fake, e := start(t)
	fake.Put("a:other", "linux/arm64", "other")
	var all sync.WaitGroup
	for _, from := range []string{"a:new", "a:other"} {
		all.Go(func() {
			if _, err := e.Name(t.Context(), from, "a:tag", true); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := fake.Names(); !slices.Contains(got, "a:tag linux/amd64 linux/arm64") {
		t.Errorf("the names are %q", got)
	}
}
