package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rtbuild/rtbuild/internal/profile"
	"github.com/rtbuild/rtbuild/internal/testenv"
	"github.com/rtbuild/rtbuild/internal/testmirror"
)

// oh is a checkout as OpenHands', built from scratch once, in a network that lets through only what graph --addresses names. The
// base is Debian's, and so are all packages; what cannot be reached from everywhere is a stand-in of testmirror.
var oh struct {
	once   sync.Once
	mirror *testmirror.Mirror
	*project
	base    string
	builder *testenv.Builder
	walled  *wall
	listed  []string
}

// builtOpenhands gives the checkout, built.
func builtOpenhands(t *testing.T) *project {
	t.Helper()
	oh.once.Do(func() { buildOpenhands(t) })
	if oh.project == nil {
		t.Fatal("it was not built: see the first test of openhands")
	}
	return oh.project
}

func buildOpenhands(t *testing.T) {
	oh.mirror = must(testmirror.Start(t.Context(), must(testenv.CacheDir())(t)))(t)
	oh.base = must(env.registry.PushBaseOf(t.Context(), "trixie"))(t)
	p := &project{filepath.Join(env.dir, "openhands"), env.registry.Host + "/openhands"}
	if err := testmirror.Project(p.dir, oh.mirror); err != nil {
		t.Fatal(err)
	}
	write(t, p.dir, "runtime.yaml", openhandsYAML(t, oh.base))
	oh.listed = strings.Fields(succeed(t, p.dir, p.openhandsArgs("graph", "--addresses", "--progress", "plain")...).stdout)
	oh.builder, oh.walled = walledBuilder(t, oh.listed, env.registry.Host, hostOf(t, oh.mirror.URL))
	res := succeed(t, p.dir, p.openhandsArgs("solve", "--progress", "plain", "--addr", oh.builder.Addr, "--build-arg", "HTTP_PROXY="+oh.walled.proxy)...)
	if !strings.Contains(res.stderr, "scratch: ") {
		t.Errorf("not from scratch:\n%s", res.stderr)
	}
	oh.project = p
}

// openhandsArgs leaves the base to runtime.yaml.
func (p *project) openhandsArgs(command string, more ...string) []string {
	return append([]string{command, "--repository", p.repository}, more...)
}

func hostOf(t *testing.T, address string) string {
	t.Helper()
	return must(url.Parse(address))(t).Host
}

// openhandsYAML is a runtime file that takes what is stood in for from the mirror, by the digests of the stand-ins.
func openhandsYAML(t *testing.T, base string, more ...string) string {
	t.Helper()
	var tools []map[string]any
	for _, name := range []string{"uv", "micromamba", "openvscode-server", "docker-apt-key"} {
		release, _ := (&profile.Runtime{}).Release(name, "")
		tools = append(tools, map[string]any{
			"name": name, "version": release.Version, "sha256": map[string]string{runtime.GOARCH: oh.mirror.SHA256(release.Address(runtime.GOARCH))},
		})
	}
	mirrors, list := must(json.Marshal(oh.mirror.Mirrors()))(t), must(json.Marshal(tools))(t)
	return fmt.Sprintf("base: %s\nruntime: {python: 3.13}\nnetwork:\n  mirrors: %s\ntools: %s\n%s\n", base, mirrors, list, strings.Join(more, "\n"))
}

// TestOpenhandsClosedNetwork wants the build to have asked for nothing that graph --addresses did not name, and to have asked the
// mirrors as the real sites would be.
func TestOpenhandsClosedNetwork(t *testing.T) {
	builtOpenhands(t)
	oh.walled.mu.Lock()
	defer oh.walled.mu.Unlock()
	if len(oh.walled.refused) > 0 {
		t.Errorf("refused:\n%s", strings.Join(oh.walled.refused, "\n"))
	}
	for _, r := range oh.mirror.Requests() {
		folder := oh.mirror.Mirrors()[r.Site]
		if address := folder + r.Path; !slices.ContainsFunc(oh.listed, func(entry string) bool { return address == entry || strings.HasPrefix(address, entry+"/") }) {
			t.Errorf("%s %s is not on the list", r.Method, address)
		}
	}
	for _, fault := range oh.mirror.Faults() {
		t.Errorf("the mirror was asked as no real site is: %s", fault)
	}
	if !oh.walled.passed["http://"+env.registry.Host] || !slices.ContainsFunc(slices.Collect(maps.Keys(oh.walled.passed)), func(address string) bool {
		return strings.HasSuffix(address, "/debian")
	}) {
		t.Errorf("the registry or Debian was not asked through the wall; passed: %q", slices.Sorted(maps.Keys(oh.walled.passed)))
	}
	if !slices.Contains(oh.listed, oh.mirror.URL+"/pypi") {
		t.Errorf("the list lacks the index: %s", strings.Join(oh.listed, " "))
	}
}
