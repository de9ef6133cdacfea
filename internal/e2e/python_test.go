package e2e

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rtbuild/rtbuild/internal/testenv"
)

// TestPython builds the Python agent on wheels of Debian's packages, calls it, and drops a requirement.
func TestPython(t *testing.T) {
	wheels := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "../../hack/wheels", wheels, "python3-bottle", "python3-waitress").CombinedOutput(); err != nil {
		t.Fatalf("hack/wheels: %v\n%s", err, out)
	}
	index := httptest.NewServer(http.FileServer(http.Dir(wheels)))
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
		again.solve(t, "--secret", "id=pip.conf,src="+conf, "--addr", freshBuilder(t, testenv.BuilderOptions{}).Addr)
		files := tree(t, p.plan(t).Images.Source)
		if slices.ContainsFunc(slices.Collect(maps.Keys(files)), func(name string) bool { return strings.Contains(name, "site-packages/waitress") }) {
			t.Error("what was dropped is still there")
		}
		sameTree(t, files, tree(t, again.plan(t).Images.Source))
		sameConfig(t, image(t, p.plan(t).Images.Source), image(t, again.plan(t).Images.Source))
	})
}
