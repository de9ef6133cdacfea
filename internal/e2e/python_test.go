package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/rtbuild/rtbuild/internal/testenv"
)

// packWheels makes the package index of the Python example once, and returns its directory.
var packWheels = sync.OnceValues(func() (string, error) {
	dir := filepath.Join(env.dir, "wheels")
	if out, err := exec.Command("../../hack/wheels", dir, "python3-bottle", "python3-waitress").CombinedOutput(); err != nil {
		return "", fmt.Errorf("hack/wheels: %w\n%s", err, out)
	}
	return dir, nil
})

// TestPython builds the Python agent with wheels of Debian's packages, calls it, and drops a requirement.
func TestPython(t *testing.T) {
	t.Parallel()
	wheels := must(packWheels())(t)
	var meanwhile atomic.Pointer[func()] // called when pip sends a request
	index := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f := meanwhile.Swap(nil); f != nil {
			(*f)()
		}
		http.FileServer(http.Dir(wheels)).ServeHTTP(w, r)
	}))
	t.Cleanup(index.Close)
	conf := filepath.Join(t.TempDir(), "pip.conf")
	write(t, filepath.Dir(conf), "pip.conf", "[global]\nindex-url = "+index.URL+"/simple/\n")
	p := newProject(t, "python-agent")
	p.solve(t, "--secret", "id=pip.conf,src="+conf)

	t.Run("answers", func(t *testing.T) {
		p.runs(t, func(url string) {
			if got := call(t, "GET", url+"/healthz", ""); !strings.Contains(got, `"status": "ok"`) || !strings.Contains(got, `"user": 1000`) {
				t.Errorf("/healthz answers %s", got)
			}
		})
	})
	t.Run("versioned", func(t *testing.T) {
		edit(t, filepath.Join(p.dir, "requirements.txt"), "waitress==2.1.2\n", "")
		if made := p.plan(t); made.Variant != "versioned" {
			t.Fatalf("the plan is %+v", made)
		}
		p.solve(t, "--secret", "id=pip.conf,src="+conf)
		again := *p
		again.repository += "-again"
		builder := freshBuilder(t, testenv.BuilderOptions{})
		compressed := func() { waitForPrecompression(t, builder) }
		meanwhile.Store(&compressed)
		again.solve(t, "--secret", "id=pip.conf,src="+conf, "--addr", builder.Addr)
		if meanwhile.Load() != nil {
			t.Error("pip did not ask")
		}
		files := tree(t, p.plan(t).Images.Source)
		if slices.ContainsFunc(slices.Collect(maps.Keys(files)), func(name string) bool { return strings.Contains(name, "site-packages/waitress") }) {
			t.Error("what was dropped is still there")
		}
		sameTree(t, files, tree(t, again.plan(t).Images.Source))
		sameConfig(t, image(t, p.plan(t).Images.Source), image(t, again.plan(t).Images.Source))
	})
}

// waitForPrecompression waits until the builder has compressed the layer of system's packages, while a deps step is running.
func waitForPrecompression(t *testing.T, builder *testenv.Builder) {
	content := filepath.Join(builder.Dir, "runc-overlayfs/content/blobs/sha256")
	events := must(fsnotify.NewWatcher())(t)
	defer events.Close()
	if err := events.Add(content); err != nil {
		t.Error(err)
		return
	}
	giveUp := time.After(2 * time.Minute)
	for {
		layers := 0
		for _, blob := range must(os.ReadDir(content))(t) {
			if info, err := blob.Info(); err == nil && info.Size() > 4<<20 {
				layers++
			}
		}
		if layers > 1 { // the first is the base's
			return
		}
		select {
		case <-events.Events:
		case err := <-events.Errors:
			t.Error(err)
			return
		case <-giveUp:
			t.Error("the layers of system were not compressed while deps was built")
			return
		}
	}
}
