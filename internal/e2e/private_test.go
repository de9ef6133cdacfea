package e2e

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rtbuild/rtbuild/internal/testenv"
)

// pair is a test's own private pair.
type pair struct {
	home, port string
}

func newPair(t *testing.T) *pair {
	t.Helper()
	p := &pair{t.TempDir(), freePort(t)}
	t.Cleanup(func() {
		if _, err := os.Stat(filepath.Join(p.home, "state", "daemon.lock")); err == nil {
			ended(t, p.home)
		}
	})
	return p
}

func (p *pair) registry() string { return "127.0.0.1:" + p.port }

// client runs the client without naming a builder.
func (p *pair) client(t *testing.T, dir string, args ...string) result {
	t.Helper()
	cmd := start(t, dir, args...)
	cmd.Env = append(cmd.Env, "RTBUILD_HOME="+p.home, "RTBUILD_REGISTRY_PORT="+p.port, "RTBUILD_BUILDKITD="+env.Buildkitd, "BUILDKIT_HOST=")
	return finish(t, cmd)
}

// intruder is a package whose install script tries to write to a registry.
const intruder = `
const registry = "REGISTRY"
const tries = [["POST", "/v2/base/blobs/uploads/"], ["PUT", "/v2/base/manifests/poisoned"], ["DELETE", "/v2/base/manifests/1"], ["GET", "/v2/_catalog"]]
async function main() {
  const said = []
  for (const [method, path] of tries) {
    const body = method === "PUT" ? JSON.stringify({schemaVersion: 2}) : undefined
    const res = await fetch("http://" + registry + path, {method, body, headers: {"Content-Type": "application/vnd.oci.image.manifest.v1+json"}})
    said.push(method + " " + res.status)
  }
  require("fs").writeFileSync("tried", said.join("\n"))
}
main()
`

// servePackage serves a package to npm, and returns its address and checksum.
func servePackage(t *testing.T, files map[string]string) (address, integrity string) {
	t.Helper()
	var data bytes.Buffer
	compressed := gzip.NewWriter(&data)
	archive := tar.NewWriter(compressed)
	for name, text := range files {
		header := &tar.Header{Name: "package/" + name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(text))}
		if err := archive.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		_, _ = archive.Write([]byte(text))
	}
	_, _ = archive.Close(), compressed.Close()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(data.Bytes()) }))
	t.Cleanup(server.Close)
	sum := sha512.Sum512(data.Bytes())
	return server.URL + "/intruder-1.0.0.tgz", "sha512-" + base64.StdEncoding.EncodeToString(sum[:])
}

// TestPrivateRegistryRefusesSteps checks that build steps cannot write to the private registry, which they reach through the host's
// network.
func TestPrivateRegistryRefusesSteps(t *testing.T) {
	t.Parallel()
	at, p := newPair(t), small(t)
	address, integrity := servePackage(t, map[string]string{
		"package.json": `{"name":"intruder","version":"1.0.0","scripts":{"postinstall":"node try.js"}}`,
		"try.js":       strings.Replace(intruder, "REGISTRY", at.registry(), 1),
	})
	write(t, p.dir, "package.json", fmt.Sprintf(`{"name":"small","version":"1.0.0","dependencies":{"intruder":%q}}`, address))
	write(t, p.dir, "package-lock.json", fmt.Sprintf(`{"name":"small","version":"1.0.0","lockfileVersion":3,"requires":true,"packages":{
		"":{"name":"small","version":"1.0.0","dependencies":{"intruder":%q}},
		"node_modules/intruder":{"version":"1.0.0","resolved":%q,"integrity":%q,"hasInstallScript":true}}}`, address, address, integrity))
	write(t, p.dir, "server.js", "")
	rootfs := filepath.Join(t.TempDir(), "rootfs")
	// With CAP_NET_RAW, capability 13, a step could read the token of other requests.
	noRaw := `c=$(sed -n 's/^CapBnd:[[:space:]]*//p' /proc/self/status) && test $((0x$c >> 13 & 1)) = 0`
	res := at.client(t, p.dir, "solve", "--progress", "plain", "--base-image", env.base, "--push", "-o", rootfs, "--extra-deps", noRaw)
	if res.code != 0 {
		t.Fatalf("exit code %d: %s", res.code, res.stderr)
	}
	tried := must(filepath.Glob(filepath.Join(rootfs, "agent/*/intruder/tried")))(t)
	if len(tried) != 1 {
		tried = must(filepath.Glob(filepath.Join(rootfs, "agent/*/*/intruder/tried")))(t)
	}
	if len(tried) != 1 {
		t.Fatalf("the install script has left %q", tried)
	}
	want := "POST 401\nPUT 401\nDELETE 401\nGET 200"
	if got := string(must(os.ReadFile(tried[0]))(t)); got != want {
		t.Errorf("the install script was answered\n%s\nwant\n%s", got, want)
	}
	images := filepath.Join(at.home, "data/registry/docker/registry/v2/repositories")
	if _, err := os.Stat(filepath.Join(images, "base")); !os.IsNotExist(err) {
		t.Errorf("it has left a repository behind: %v", err)
	}
	if all := must(os.ReadDir(images))(t); len(all) != 1 { // only the build itself can write
		t.Errorf("repositories: %v", all)
	}
	token := strings.TrimSpace(string(must(os.ReadFile(filepath.Join(at.home, "state/registry.token")))(t)))
	for _, text := range []string{res.stderr, res.stdout, read(t, at.home, "state/buildkitd.log"), read(t, at.home, "state/daemon.log"), read(t, at.home, "state/registry.log")} {
		if strings.Contains(text, token) {
			t.Errorf("the token is shown in %s", text)
		}
	}
}

func read(t *testing.T, elem ...string) string {
	t.Helper()
	return string(must(os.ReadFile(filepath.Join(elem...)))(t))
}

// TestPrivateRegistryByName checks that naming the private registry uses it with a lease and the token.
func TestPrivateRegistryByName(t *testing.T) {
	t.Parallel()
	at, p := newPair(t), small(t)
	args := []string{"solve", "--progress", "plain", "--base-image", env.base, "--repository", at.registry() + "/named"}
	t.Run("another builder is not handed the token", func(t *testing.T) {
		if res := at.client(t, p.dir, append(args, "--addr", env.builder.Addr)...); res.code != 2 || !strings.Contains(res.errorLine(), "only the private builder") {
			t.Errorf("exit code %d: %s", res.code, res.stderr)
		}
	})
	for _, variant := range []string{"scratch", "none"} {
		if res := at.client(t, p.dir, args...); res.code != 0 || !strings.HasPrefix(res.stderr, variant+": ") {
			t.Fatalf("exit code %d: %s", res.code, res.stderr)
		}
	}
	t.Run("another name of loopback", func(t *testing.T) {
		res := at.client(t, p.dir, "plan", "--base-image", env.base, "--repository", "localhost:"+at.port+"/named")
		if res.code != 4 || !strings.Contains(res.errorLine(), at.registry()) {
			t.Errorf("exit code %d: %s", res.code, res.stderr)
		}
	})
	t.Run("doctor", func(t *testing.T) {
		if res := at.client(t, p.dir, "doctor", "--repository", at.registry()+"/named"); res.code != 0 || !strings.Contains(res.stdout, "accepts pushes") {
			t.Errorf("exit code %d: %s%s", res.code, res.stdout, res.stderr)
		}
	})
	ended(t, at.home)
	listener := must(net.Listen("tcp", at.registry()))(t)
	squatter := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the squatter was asked") })}
	go func() { _ = squatter.Serve(listener) }()
	defer squatter.Close()
	for name, args := range map[string][]string{
		"as the repository": {"plan", "--base-image", env.base, "--repository", at.registry() + "/named"},
		"as the base":       {"plan", "--base-image", at.registry() + "/base:1", "--repository", p.repository},
		"to reuse from":     {"plan", "--base-image", env.base, "--repository", p.repository, "--reuse-from", at.registry() + "/named"},
		"to be compared":    {"diff", at.registry() + "/named:1", at.registry() + "/named:2"},
		"by default":        {"plan", "--base-image", env.base},
	} {
		t.Run("a squatter on its port, "+name, func(t *testing.T) {
			if res := at.client(t, p.dir, args...); res.code != 4 || !strings.Contains(res.errorLine(), "another program") {
				t.Errorf("exit code %d: %s", res.code, res.stderr)
			}
		})
	}
}

// TestPrivateBuilderTrustsCAFile pulls the base from a registry with a private CA, and pushes the images to it.
func TestPrivateBuilderTrustsCAFile(t *testing.T) {
	t.Parallel()
	at, p := newPair(t), small(t)
	authority := newAuthority(t, "the company")
	registry := must(testenv.StartRegistry(t.Context(), t.TempDir(), testenv.WithTLS(authority)))(t)
	defer registry.Close()
	base := must(registry.PushBase(t.Context()))(t)
	args := []string{"solve", "--progress", "plain", "--base-image", base, "--repository", registry.Host + "/private"}
	res := at.client(t, p.dir, append(args, "--ca-file", authority.File)...)
	if res.code != 0 || !strings.HasPrefix(res.stderr, "scratch: ") {
		t.Fatalf("exit code %d: %s", res.code, res.stderr)
	}
	if img := must(registry.Image(t.Context(), strings.TrimSpace(res.stdout)))(t); len(img.Manifest.Layers) < 2 {
		t.Errorf("pushed %+v", img.Manifest)
	}
	if res := at.client(t, p.dir, args...); res.code != 3 || !strings.Contains(res.stderr, "--ca-file") {
		t.Errorf("without: exit code %d: %s", res.code, res.stderr)
	}
	// Here, the client trusts the CA by the system's variable, and the builder does not. The error's advice must work.
	t.Run("and says so", func(t *testing.T) {
		cmd := start(t, p.dir, append(args, "--force-rebuild")...)
		other := newPair(t)
		must(0, os.MkdirAll(filepath.Join(other.home, "state"), 0o700))(t)
		script := filepath.Join(t.TempDir(), "buildkitd")
		write(t, filepath.Dir(script), "buildkitd", "#!/bin/sh\nunset SSL_CERT_FILE\nexec "+env.Buildkitd+" \"$@\"\n")
		must(0, os.Chmod(script, 0o755))(t)
		cmd.Env = append(cmd.Env, "RTBUILD_HOME="+other.home, "RTBUILD_REGISTRY_PORT="+other.port, "RTBUILD_BUILDKITD="+script, "BUILDKIT_HOST=", "SSL_CERT_FILE="+authority.File)
		res := finish(t, cmd)
		if res.code == 0 || !strings.Contains(res.stderr, "it is the private builder that does not trust the certificate: give its authority with --ca-file") {
			t.Errorf("exit code %d: %s", res.code, res.stderr)
		}
	})
}

// TestPrivateBuilderUsesMirrors pulls a base whose registry does not exist from a mirror.
func TestPrivateBuilderUsesMirrors(t *testing.T) {
	t.Parallel()
	at, p := newPair(t), small(t)
	config := t.TempDir()
	write(t, config, "registry.invalid/hosts.toml", fmt.Sprintf("[host.\"http://%s\"]\ncapabilities = [\"pull\", \"resolve\"]\n", env.registry.Host))
	base := "registry.invalid" + strings.TrimPrefix(env.base, env.registry.Host)
	res := at.client(t, p.dir, "solve", "--progress", "plain", "--base-image", base, "--registry-config", config)
	if res.code != 0 || !strings.HasPrefix(res.stderr, "scratch: ") {
		t.Fatalf("exit code %d: %s", res.code, res.stderr)
	}
}
