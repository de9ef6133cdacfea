package e2e

import (
	"bytes"
	"crypto/x509"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rtbuild/rtbuild/internal/testenv"
)

func newAuthority(t *testing.T, name string) *testenv.Authority {
	t.Helper()
	return must(testenv.NewAuthority(filepath.Join(t.TempDir(), "ca.pem"), name))(t)
}

// issue writes a certificate into a directory; see [testenv.Authority.Issue].
func issue(t *testing.T, a *testenv.Authority, dir string, usage x509.ExtKeyUsage) {
	t.Helper()
	if err := a.Issue(dir, usage); err != nil {
		t.Fatal(err)
	}
}

// TestPrivateCA checks that steps trust a private CA, and that it is in no layer, history or cache key.
func TestPrivateCA(t *testing.T) {
	p := small(t)
	// The step succeeds only if it has the CA, and leaves no trace of it.
	extra := `grep -q "BEGIN CERTIFICATE" "$SSL_CERT_FILE" && test "$NODE_EXTRA_CA_CERTS" = "$SSL_CERT_FILE"`
	first := newAuthority(t, "first")
	secret := strings.Split(string(must(os.ReadFile(first.File))(t)), "\n")[1]
	p.solve(t, "--extra-deps", extra, "--ca-file", first.File)
	made := p.plan(t, "--extra-deps", extra)
	for _, ref := range []string{made.Images.Lock, made.Images.Source} {
		img := image(t, ref)
		if strings.Contains(string(img.RawConfig()), "rtbuild-ca") || strings.Contains(string(img.RawConfig()), secret) {
			t.Errorf("the config of %s tells of it: %s", ref, img.RawConfig())
		}
		for name := range tree(t, ref) {
			if strings.HasPrefix(name, "/run/secrets") {
				t.Errorf("%s holds %s", ref, name)
			}
		}
	}
	again := *p
	again.repository += "-again"
	res := again.solve(t, "--extra-deps", extra, "--ca-file", newAuthority(t, "second").File)
	for _, step := range []string{"npm ci", "[extra]", "make user"} {
		if !cached(res.stderr, step) {
			t.Errorf("with another CA step %q ran again:\n%s", step, res.stderr)
		}
	}
	res = p.fails(t, 2, "--ca-file", "--ca-file", filepath.Join(p.dir, "package.json"))
	if !strings.Contains(res.stderr, "PEM") {
		t.Errorf("stderr is %s", res.stderr)
	}
}

// cached reports whether every step with text in its name is CACHED in plain progress. The files of steps' scripts are not steps.
func cached(progress, text string) bool {
	found := false
	for line := range strings.Lines(progress) {
		id, rest, ok := strings.Cut(line, " ")
		if !ok || !strings.HasPrefix(id, "#") || !strings.Contains(rest, text) || !strings.HasPrefix(rest, "[") || strings.HasPrefix(rest, "[internal] ") {
			continue
		}
		found = true
		if !strings.Contains(progress, "\n"+id+" CACHED") {
			return false
		}
	}
	return found
}

// proxy starts a real HTTP proxy that counts requests.
func proxy(t *testing.T) (url string, requests *atomic.Int64) {
	t.Helper()
	requests = &atomic.Int64{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		if r.Method != http.MethodConnect {
			res, err := http.DefaultTransport.RoundTrip(r)
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadGateway)
				return
			}
			defer res.Body.Close()
			w.WriteHeader(res.StatusCode)
			_, _ = io.Copy(w, res.Body)
			return
		}
		tunnel(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL, requests
}

// tunnel handles CONNECT.
func tunnel(w http.ResponseWriter, r *http.Request) {
	there, err := net.Dial("tcp", r.Host)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	here, sent, err := http.NewResponseController(w).Hijack()
	if err != nil {
		there.Close()
		return
	}
	// Respond after the hijacking. Otherwise, the server may already have read the beginning of the tunnel's data.
	_, _ = io.WriteString(here, "HTTP/1.1 200 Connection established\r\n\r\n")
	go func() { _, _ = io.Copy(there, sent); there.Close() }()
	go func() { _, _ = io.Copy(here, there); here.Close() }()
}

// TestProxy checks that steps and downloads use the proxy, and that it is in no config or cache key.
func TestProxy(t *testing.T) {
	p := small(t)
	url, requests := proxy(t)
	args := []string{"--build-arg", "HTTP_PROXY=" + url, "--build-arg", "HTTPS_PROXY=" + url, "--build-arg", "NO_PROXY=127.0.0.1"}
	p.solve(t, append(args, "--no-cache", "--extra-deps", `test -n "$HTTPS_PROXY"`)...)
	if requests.Load() == 0 {
		t.Error("nothing went through the proxy")
	}
	img := image(t, p.plan(t, "--extra-deps", `test -n "$HTTPS_PROXY"`).Images.Source)
	if strings.Contains(string(img.RawConfig()), url) || strings.Contains(strings.ToUpper(string(img.RawConfig())), `"HTTP_PROXY`) {
		t.Errorf("the config tells of it: %s", img.RawConfig())
	}
	again := *p
	again.repository += "-again"
	other, _ := proxy(t)
	res := again.solve(t, "--build-arg", "HTTP_PROXY="+other, "--build-arg", "HTTPS_PROXY="+other, "--extra-deps", `test -n "$HTTPS_PROXY"`)
	for _, step := range []string{"npm ci", "[extra]"} {
		if !cached(res.stderr, step) {
			t.Errorf("with another proxy step %q ran again:\n%s", step, res.stderr)
		}
	}
}

// TestProxyPassword checks that neither a published provenance nor the output contains the proxy's password. A provenance mode that
// would publish it must be refused before the build.
func TestProxyPassword(t *testing.T) {
	t.Parallel()
	p := small(t)
	url, requests := proxy(t)
	url = strings.Replace(url, "http://", "http://me:PROXYPW@", 1)
	args := []string{"--build-arg", "HTTP_PROXY=" + url, "--build-arg", "HTTPS_PROXY=" + url, "--build-arg", "NO_PROXY=127.0.0.1", "--no-cache", "--progress", "plain"}
	for _, provenance := range []string{"true", "mode=max", "mode=max,inline-only=true"} {
		res := p.fails(t, 2, "HTTP_PROXY, HTTPS_PROXY holds a user or password", append(args, "--provenance", provenance)...)
		if strings.Contains(res.stderr, "PROXYPW") {
			t.Errorf("it is printed:\n%s", res.stderr)
		}
	}
	res := p.solve(t, append(args, "--provenance", "mode=min")...)
	if requests.Load() == 0 {
		t.Error("nothing went through the proxy")
	}
	if got := tag(t, res.stdout); got.attestationsOf("linux/amd64") != 1 {
		t.Errorf("the tag holds %+v", got.Manifests)
	}
	if strings.Contains(res.stderr, "PROXYPW") {
		t.Errorf("it is printed:\n%s", res.stderr)
	}
	provenances := 0
	for _, file := range published(t) {
		data := must(os.ReadFile(file))(t)
		if bytes.Contains(data, []byte("PROXYPW")) {
			t.Errorf("it is published: %.400s", data)
		}
		if bytes.Contains(data, []byte("https://slsa.dev/provenance")) && bytes.Contains(data, []byte("predicate")) {
			provenances++
		}
	}
	if provenances == 0 {
		t.Error("no provenance was looked at")
	}
}

// published returns the files of the shared registry.
func published(t *testing.T) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(filepath.Join(env.dir, "registry"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			files = append(files, path)
		}
		return err
	})
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	return files
}

// TestSecret mounts credentials at the tool's path, and checks that the image does not contain them.
func TestSecret(t *testing.T) {
	t.Parallel()
	p := small(t)
	file := filepath.Join(t.TempDir(), "npmrc")
	write(t, filepath.Dir(file), "npmrc", "//example.com/:_authToken=very-secret\n")
	extra := `grep -q very-secret "$HOME/.npmrc"`
	p.solve(t, "--secret", "id=npmrc,src="+file, "--extra-deps", extra)
	made := p.plan(t, "--extra-deps", extra)
	for _, ref := range []string{made.Images.Lock, made.Images.Source} {
		if strings.Contains(string(image(t, ref).RawConfig()), "very-secret\n") {
			t.Error("the config tells of it")
		}
		if f, ok := tree(t, ref)["/home/agent/.npmrc"]; ok {
			t.Errorf("%s holds it: %+v", ref, f)
		}
	}
}
