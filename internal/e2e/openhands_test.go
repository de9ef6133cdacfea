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
	"github.com/rtbuild/rtbuild/llb"
)

// oh is a project like OpenHands, built from scratch once. The builder's network allows only the addresses that graph --addresses
// lists. The base and its packages are Debian's. Sites that tests cannot reach are stand-ins of testmirror, with HTTPS and an
// authority that no image trusts.
var oh struct {
	once     sync.Once
	registry *testenv.Registry // only for these tests
	mirror   *testmirror.Mirror
	mirrors  map[string]string
	ca       string
	*project
	base     string
	builder  *testenv.Builder
	firewall *firewall
	listed   []string
}

// TestOpenhands runs the tests of that project one after the other, because they check the traffic of its registry, and the requests
// and faults of its mirror. The group runs beside all other tests.
func TestOpenhands(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"Config", testOpenhandsConfig}, {"Files", testOpenhandsFiles}, {"Texts", testOpenhandsTexts}, {"Packages", testOpenhandsPackages},
		{"Source", testOpenhandsSource}, {"Dependencies", testOpenhandsDependencies}, {"Runs", testOpenhandsRuns}, {"Agent", testOpenhandsAgent},
		{"ClosedNetwork", testOpenhandsClosedNetwork}, {"Frontend", testOpenhandsFrontend}, {"Variants", testOpenhandsVariants},
		{"Foreign", testOpenhandsForeign}, {"Ubuntu", testOpenhandsUbuntu}, {"Downloads", testOpenhandsDownloads},
		{"NewerLock", testOpenhandsNewerLock}, {"DirtyExtra", testOpenhandsDirtyExtra}, {"PythonManagers", testPythonManagers},
		{"Installer", testOpenhandsInstaller}, {"PythonInput", testPythonInput},
	} {
		t.Run(test.name, test.run)
	}
}

// builtOpenhands returns the project, and builds it first if necessary.
func builtOpenhands(t *testing.T) *project {
	t.Helper()
	oh.once.Do(func() { buildOpenhands(t) })
	if oh.project == nil {
		t.Fatal("openhands was not built: see the first test of openhands")
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
	oh.base = must(oh.registry.PushBaseOf(t.Context(), "trixie"))(t)
	p := &project{dir: filepath.Join(env.dir, "openhands"), repository: oh.registry.Host + "/openhands"}
	if err := testmirror.Project(p.dir, oh.mirror); err != nil {
		t.Fatal(err)
	}
	write(t, p.dir, "runtime.yaml", openhandsYAML(t, oh.base, `env: {TELLS: "it's on", SHOUTS: "it's $HOME"}`))
	oh.listed = strings.Fields(succeed(t, p.dir, p.openhandsArgs("graph", "--addresses", "--progress", "plain")...).stdout)
	allowed := append(slices.Clip(oh.listed), "http://"+env.registry.Host) // the frontend's own image, which is no address of a build
	oh.builder, oh.firewall = isolatedBuilder(t, testenv.BuilderOptions{Env: []string{"SSL_CERT_FILE=" + oh.ca}}, allowed, oh.registry.Host, env.registry.Host)
	res := succeed(t, p.dir, p.openhandsArgs("solve", "--progress", "plain", "--addr", oh.builder.Addr, "--build-arg", "HTTP_PROXY="+oh.firewall.proxy, "--build-arg", "HTTPS_PROXY="+oh.firewall.proxy)...)
	if !strings.Contains(res.stderr, "scratch: ") {
		t.Errorf("not from scratch:\n%s", res.stderr)
	}
	// The build above reached the mirror through the proxy. The builder's own downloads, for the frontend, do not use a proxy.
	oh.mirror.ServeTLS(must(oh.firewall.inside.Listen(secure.Addr().String()))(t), certificate)
	oh.project = p
}

// openhandsArgs returns the client's arguments without a base, which runtime.yaml names.
func (p *project) openhandsArgs(command string, more ...string) []string {
	args := []string{command, "--repository", p.repository}
	if command != "tags" { // tags needs no network
		args = append(args, "--ca-file", oh.ca)
	}
	return append(args, more...)
}

// openhandsYAML returns a runtime file with the mirror's addresses, and with the digests of its stand-ins.
func openhandsYAML(t *testing.T, base string, more ...string) string {
	t.Helper()
	var tools []map[string]any
	for _, name := range []string{"uv", "micromamba", "openvscode-server", "docker-apt-key"} {
		release, _ := (&profile.Runtime{}).Release(name, "")
		tools = append(tools, map[string]any{
			"name": name, "version": release.Version, "sha256": map[string]string{runtime.GOARCH: oh.mirror.SHA256(release.Address(runtime.GOARCH))},
		})
	}
	mirrors, list := must(json.Marshal(named(oh.mirrors)))(t), must(json.Marshal(tools))(t)
	return fmt.Sprintf("base: %s\nruntime: {python: 3.13}\nnetwork:\n  mirrors: %s\ntools: %s\n%s\n", base, mirrors, list, strings.Join(more, "\n"))
}

// named calls sites of mirrors by their names, if they have one.
func named(mirrors map[string]string) map[string]string {
	all := maps.Clone(mirrors)
	for name, site := range llb.Sites() {
		for address, mirror := range mirrors {
			if rest, ok := strings.CutPrefix(site.Addresses[0], address); ok {
				delete(all, address)
				all[name] = mirror + rest
			}
		}
	}
	return all
}

// testOpenhandsClosedNetwork checks that the build used only the addresses of graph --addresses, and sent valid requests to the
// mirrors.
func testOpenhandsClosedNetwork(t *testing.T) {
	builtOpenhands(t)
	oh.firewall.mu.Lock()
	defer oh.firewall.mu.Unlock()
	if len(oh.firewall.refused) > 0 {
		t.Errorf("refused:\n%s", strings.Join(oh.firewall.refused, "\n"))
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
	if !oh.firewall.passed["http://"+oh.registry.Host] || !slices.ContainsFunc(slices.Collect(maps.Keys(oh.firewall.passed)), func(address string) bool {
		return strings.HasSuffix(address, "/debian")
	}) {
		t.Errorf("the registry or Debian got no request through the firewall; passed: %q", slices.Sorted(maps.Keys(oh.firewall.passed)))
	}
	if oh.firewall.tunnels == 0 {
		t.Error("no step used the proxy for HTTPS")
	}
	if !slices.Contains(oh.listed, oh.mirrors["https://pypi.org"]) {
		t.Errorf("the list lacks the index: %s", strings.Join(oh.listed, " "))
	}
}

// testOpenhandsFrontend builds the same with the frontend image, on the builder that has cached the steps. The manifests must be
// the same.
func testOpenhandsFrontend(t *testing.T) {
	p := builtOpenhands(t)
	buildx := newBuildx(t, oh.builder)
	again := &project{dir: p.dir, repository: p.repository + "-frontend"}
	for _, target := range []string{"deps", "source"} {
		args := p.buildArgs("--target", target, "-o", computed, "--build-arg", "REPOSITORY="+again.repository,
			"--build-arg", "BUILDKIT_SYNTAX="+frontendRef(t), "--build-arg", "HTTP_PROXY="+oh.firewall.proxy, "--build-arg", "HTTPS_PROXY="+oh.firewall.proxy, "--secret", "id=rtbuild-ca,src="+oh.ca)
		res := succeeds(t, buildxOn(t, buildx, p.dir, args...))
		for _, step := range []string{"install Docker Engine", "add micromamba", "read poetry.lock", "install Python packages, part 1 of 16"} {
			if target == "deps" && !cached(res.stderr, step) {
				t.Errorf("step %q ran again:\n%s", step, res.stderr)
			}
		}
	}
	sameDigest(t, "deps", p.images(t).Lock, again.images(t).Lock)
	sameDigest(t, "source", p.images(t).Source, again.images(t).Source)
}
