//go:build openhands

package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/rtbuild/rtbuild/internal/testenv"
	"github.com/rtbuild/rtbuild/internal/testmirror"
	"github.com/rtbuild/rtbuild/internal/testmirror/releases"
)

// TestRealOpenhands builds the image of a published OpenHands, edits the source, and lets the server of the edited image work. Real
// are Debian's packages, all of PyPI, uv, and Chromium. Stand-ins are micromamba, the conda channel, the editor and Docker Engine.
func TestRealOpenhands(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("npm has this Chromium only for amd64")
	}
	p := newRelease(t)
	t.Run("Tags", testReleaseTags)
	begin := time.Now()
	res := succeed(t, p.dir, p.releaseArgs("solve", "--progress", "plain")...)
	if !strings.Contains(res.stderr, "scratch: ") {
		t.Fatalf("not from scratch:\n%s", res.stderr)
	}
	t.Logf("from scratch: %.1f s", time.Since(begin).Seconds())
	built := p.releaseImages(t)
	for _, fault := range p.mirror.Faults() {
		t.Errorf("the mirror was asked as no real site is: %s", fault)
	}
	edited := p.editAlive(t)
	t.Run("Built", func(t *testing.T) { // ends after all of them
		for name, run := range map[string]func(t *testing.T){
			"Server": func(t *testing.T) { testReleaseServer(t, edited) },
			"Image":  func(t *testing.T) { testReleaseImage(t, built.Source) },
			"Again":  func(t *testing.T) { testReleaseAgain(t, p, built.Lock) },
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				run(t)
			})
		}
	})
}

// releaseProject is a copy of the release, with a runtime file that names the mirror of its stand-ins.
type releaseProject struct {
	*project
	mirror *testmirror.Mirror
}

func newRelease(t *testing.T) *releaseProject {
	t.Helper()
	mirror := must(testmirror.Start(t.Context(), must(testenv.CacheDir())(t)))(t)
	t.Cleanup(func() { _ = mirror.Close() })
	p := &releaseProject{&project{dir: filepath.Join(t.TempDir(), "openhands"), repository: oh.registry.Host + "/release"}, mirror}
	must(0, releases.Project(t.Context(), p.dir, mirror, must(oh.registry.PushBaseOf(t.Context(), "trixie"))(t)))(t)
	return p
}

// releaseArgs returns the client's arguments.
func (p *releaseProject) releaseArgs(command string, more ...string) []string {
	return append([]string{command, "--repository", p.repository}, more...)
}

// releaseTags are the tags and images that the client computes.
type releaseTags struct{ Lock, Versioned, Source string }

func (p *releaseProject) releaseImages(t *testing.T) releaseTags {
	t.Helper()
	var said struct{ Images releaseTags }
	must(0, json.Unmarshal([]byte(succeed(t, p.dir, p.releaseArgs("tags", "--format", "json")...).stdout), &said))(t)
	return said.Images
}

// testReleaseTags compares the tags with those that the functions of the release's own runtime_build.py gave for this tree.
func testReleaseTags(t *testing.T) {
	var recorded []struct {
		Base                    string
		Browser                 bool
		Lock, Versioned, Source string
	}
	must(0, json.Unmarshal(must(os.ReadFile("testdata/openhands/tags.json"))(t), &recorded))(t)
	for _, want := range recorded {
		args := []string{"tags", "--format", "json", "--repository", "registry.example.com/runtime", "--base-image", want.Base}
		if !want.Browser {
			args = append(args, "--no-browser")
		}
		var got releaseTags
		must(0, json.Unmarshal([]byte(succeed(t, must(releases.OpenHands(t.Context()))(t), args...).stdout), &got))(t)
		if got != (releaseTags{want.Lock, want.Versioned, want.Source}) {
			t.Errorf("%s, browser %t: %+v, want %+v", want.Base, want.Browser, got, want)
		}
	}
}

// aliveEdit is what the edit makes the server answer.
const aliveEdit = "ok, after an edit"

// editAlive edits the source, and returns the image. Only the source layer may be sent, and little pulled.
func (p *releaseProject) editAlive(t *testing.T) string {
	t.Helper()
	edit(t, filepath.Join(p.dir, "openhands/runtime/action_execution_server.py"), `return {'status': 'ok'}`, `return {'status': '`+aliveEdit+`'}`)
	oh.registry.Traffic()
	begin := time.Now()
	res := succeed(t, p.dir, p.releaseArgs("solve", "--progress", "plain")...)
	pulled, sent, _ := oh.registry.Traffic()
	t.Logf("a source edit: %.2f s, %d bytes sent, %d pulled", time.Since(begin).Seconds(), sent, pulled)
	if !strings.Contains(res.stderr, "lock: ") || sent > 1<<20 || pulled > 1<<20 {
		t.Errorf("%d bytes sent, %d pulled:\n%s", sent, pulled, res.stderr)
	}
	return strings.TrimSpace(res.stdout)
}

// testReleaseAgain makes the dependencies a second time. Files and configuration must be the same.
func testReleaseAgain(t *testing.T, p *releaseProject, first string) {
	again := *p.project
	again.repository += "-again"
	second := releaseProject{&again, p.mirror}
	begin := time.Now()
	succeed(t, p.dir, second.releaseArgs("solve", "--progress", "plain", "--no-cache-filter", "deps")...)
	t.Logf("the dependencies again: %.1f s", time.Since(begin).Seconds())
	out := succeed(t, p.dir, "diff", "--exit-code", first, second.releaseImages(t).Lock).stdout
	t.Log(out)
}
