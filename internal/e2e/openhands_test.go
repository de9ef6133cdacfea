package e2e

import (
	"crypto/x509"
	"encoding/json"
	"fmt"
	"maps"
	"net"
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
// base is Debian's, and so are all packages; what cannot be reached from everywhere is a stand-in of testmirror, over HTTPS of an
// authority that no image knows.
var oh struct {
	once    sync.Once
	mirror  *testmirror.Mirror
	mirrors map[string]string
	ca      string
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
	ca := must(testenv.NewAuthority(filepath.Join(env.dir, "openhands-ca.pem"), "the mirror's"))(t)
	certificate := must(ca.Certificate(x509.ExtKeyUsageServerAuth))(t)
	secure := must(net.Listen("tcp", "127.0.0.1:0"))(t)
	oh.mirror.ServeTLS(secure, certificate)
	_, port, _ := net.SplitHostPort(secure.Addr().String())
	oh.ca, oh.mirrors = ca.File, testmirror.MirrorsAt("https://localhost:"+port) // pip checks no certificate of an IP address
	oh.base = must(env.registry.PushBaseOf(t.Context(), "trixie"))(t)
	p := &project{filepath.Join(env.dir, "openhands"), env.registry.Host + "/openhands"}
	if err := testmirror.Project(p.dir, oh.mirror); err != nil {
		t.Fatal(err)
	}
	write(t, p.dir, "runtime.yaml", openhandsYAML(t, oh.base, `env: {TELLS: "it's on", SHOUTS: "it's $HOME"}`))
	oh.listed = strings.Fields(succeed(t, p.dir, p.openhandsArgs("graph", "--addresses", "--progress", "plain")...).stdout)
	oh.builder, oh.walled = walledBuilder(t, testenv.BuilderOptions{Env: []string{"SSL_CERT_FILE=" + oh.ca}}, oh.listed, env.registry.Host)
	res := succeed(t, p.dir, p.openhandsArgs("solve", "--progress", "plain", "--addr", oh.builder.Addr, "--build-arg", "HTTP_PROXY="+oh.walled.proxy, "--build-arg", "HTTPS_PROXY="+oh.walled.proxy)...)
	if !strings.Contains(res.stderr, "scratch: ") {
		t.Errorf("not from scratch:\n%s", res.stderr)
	}
	// Until here the mirror was reached by the proxy alone. The builder's own downloads, for the frontend, know none.
	oh.mirror.ServeTLS(must(oh.walled.inside.Listen(secure.Addr().String()))(t), certificate)
	oh.project = p
}

// openhandsArgs leaves the base to runtime.yaml.
func (p *project) openhandsArgs(command string, more ...string) []string {
	args := []string{command, "--repository", p.repository}
	if command != "tags" { // which asks nobody
		args = append(args, "--ca-file", oh.ca)
	}
	return append(args, more...)
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
	mirrors, list := must(json.Marshal(oh.mirrors))(t), must(json.Marshal(tools))(t)
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
		folder := oh.mirrors[r.Site]
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
	if oh.walled.tunnels == 0 {
		t.Error("no step used the proxy for HTTPS")
	}
	if !slices.Contains(oh.listed, oh.mirrors["https://pypi.org"]) {
		t.Errorf("the list lacks the index: %s", strings.Join(oh.listed, " "))
	}
}

// TestOpenhandsFrontend builds the same through the frontend image, on the builder that has made the steps already, and wants the
// same manifests.
func TestOpenhandsFrontend(t *testing.T) {
	p := builtOpenhands(t)
	buildx := newBuildx(t, oh.builder)
	again := &project{p.dir, p.repository + "-frontend"}
	for _, target := range []string{"deps", "source"} {
		args := p.buildArgs("--target", target, "-o", computed, "--build-arg", "REPOSITORY="+again.repository,
			"--build-arg", "BUILDKIT_SYNTAX="+frontendRef(t), "--build-arg", "HTTP_PROXY="+oh.walled.proxy, "--build-arg", "HTTPS_PROXY="+oh.walled.proxy, "--secret", "id=rtbuild-ca,src="+oh.ca)
		res := succeeds(t, buildxOn(t, buildx, p.dir, args...))
		for _, step := range []string{"install Docker Engine", "add micromamba", "poetry sync"} {
			if target == "deps" && !cached(res.stderr, step) {
				t.Errorf("step %q ran again:\n%s", step, res.stderr)
			}
		}
	}
	sameDigest(t, "deps", p.images(t).Lock, again.images(t).Lock)
	sameDigest(t, "source", p.images(t).Source, again.images(t).Source)
}
