package registry

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// manifestSeeds are valid and invalid manifests.
var manifestSeeds = []string{
	`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:` + strings.Repeat("a", 64) + `","size":2},"layers":[]}`,
	`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:` + strings.Repeat("b", 64) + `","size":2,"platform":{"os":"linux","architecture":"amd64"}},{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:` + strings.Repeat("c", 64) + `","size":2,"platform":{"os":"unknown","architecture":"unknown"},"annotations":{"vnd.docker.reference.type":"attestation-manifest","vnd.docker.reference.digest":"sha256:` + strings.Repeat("b", 64) + `"}}]}`,
	`{"schemaVersion":2,"manifests":[{"digest":"sha256:` + strings.Repeat("d", 64) + `","platform":{"os":"linux","architecture":"arm64","variant":"v8"}},{"digest":"","platform":null}]}`,
	`{"schemaVersion":1,"fsLayers":[]}`, `{"manifests":[],"config":{}}`, `{"manifests":null}`, `<html>`, `[]`, `null`, ``, `{"config":{"digest":"sha512:00"},"layers":null}`,
}

// FuzzManifest checks that a response is a valid index or image with the right digest, or ErrBroken.
func FuzzManifest(f *testing.F) {
	for _, seed := range manifestSeeds {
		f.Add([]byte(seed), ocispecs.MediaTypeImageIndex, "")
		f.Add([]byte(seed), "", digest.FromString(seed).String())
	}
	f.Add([]byte(manifestSeeds[0]), "text/plain; charset=utf-8", "sha256:x")
	f.Fuzz(func(t *testing.T, body []byte, contentType, said string) {
		a := &response{header: http.Header{"Content-Type": {contentType}, "Docker-Content-Digest": {said}}, body: body}
		m, fault := readManifest(a, "")
		if fault != nil {
			if !errors.Is(fault, ErrBroken) {
				t.Fatalf("another error: %v", fault)
			}
			return
		}
		if (m.index == nil) == (m.image == nil) || verify(m.digest, body) != nil || m.mediaType == "" {
			t.Fatalf("%+v", m)
		}
		if m.image != nil && m.image.Config.Digest.Validate() != nil {
			t.Fatalf("the config's digest is %q", m.image.Config.Digest)
		}
		checkPick(t, m)
		checkEntries(t, m)
	})
}

// checkPick looks up platforms: pick returns an entry of the index, or ErrNoPlatform.
func checkPick(t *testing.T, m *manifest) {
	for _, want := range []ocispecs.Platform{amd64, arm64, armv8, armv7} {
		d, fault := m.pick(want)
		switch {
		case fault != nil && !errors.Is(fault, ErrNoPlatform):
			t.Fatalf("another error: %v", fault)
		case fault == nil && !slices.ContainsFunc(m.images(), func(o ocispecs.Descriptor) bool { return reflect.DeepEqual(o, d) }):
			t.Fatalf("%v is not in the index", d)
		}
	}
}

// checkEntries merges an index's own entries into it. Repeating that must change nothing.
func checkEntries(t *testing.T, m *manifest) {
	if m.index == nil {
		return
	}
	once := withEntries(*m.index, entriesFor(*m.index, m.platforms()))
	twice := withEntries(once, entriesFor(once, m.platforms()))
	a, _ := json.Marshal(once)
	b, _ := json.Marshal(twice)
	if string(a) != string(b) {
		t.Fatalf("not the same again:\n%s\n%s", a, b)
	}
}

// FuzzConfig checks that a config has the wanted platform or none, or gives an error.
func FuzzConfig(f *testing.F) {
	for _, seed := range []string{
		`{"architecture":"amd64","os":"linux","config":{"Env":["A=b"],"Labels":{"a":"b"}},"rootfs":{"type":"layers","diff_ids":[]},"history":[{"created":"2024-01-01T00:00:00Z"}]}`,
		`{"architecture":"arm64","variant":"v8","os":"linux"}`, `{"os":"LINUX","architecture":"x86_64"}`, `{}`, `null`, `{"config":[]}`, `{"created":"x"}`, `{"os":"\u0000"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		config := new(ocispecs.Image)
		if fault := parse(body, "config", config); fault != nil {
			if !errors.Is(fault, ErrBroken) {
				t.Fatalf("another error: %v", fault)
			}
			return
		}
		if fault := otherPlatform(config.Platform, amd64); fault != nil && !errors.Is(fault, ErrNoPlatform) {
			t.Fatalf("another error: %v", fault)
		}
	})
}

// FuzzHosts checks that a hosts.toml gives hosts with valid addresses, or an error.
func FuzzHosts(f *testing.F) {
	for _, seed := range []string{
		"", `server = "https://registry.example.com"`, "[host.\"https://mirror.example.com/v2/x\"]\n  capabilities = [\"pull\", \"resolve\"]\n  skip_verify = true\n  override_path = true\n",
		"server = \"http://[::1]:5000\"\n[host.\"http://127.0.0.1:5000\"]\n[host.\"http://127.0.0.1:5000\".header]\n  x-token = [\"a\", \"b\"]\n",
		"[host.\"https://a\"]\nca = [\"a.pem\"]\nclient = [[\"a\", \"b\"]]\ndial_timeout = \"1s\"\n", "server = \"%zz\"", "[host.\"\"]", "host = 1", "\xff",
	} {
		f.Add([]byte(seed))
	}
	f.Setenv("DOCKER_CONFIG", f.TempDir())
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text []byte) {
		write(t, string(text), dir, "registry.example.com", "hosts.toml")
		c, err := New(Options{ConfigDir: dir})
		if err != nil {
			t.Fatal(err)
		}
		hosts, err := c.hostsOf("registry.example.com")
		if err != nil {
			return
		}
		if len(hosts) == 0 || hosts[len(hosts)-1].mirror {
			t.Fatalf("no host decides: %d", len(hosts))
		}
		for _, h := range hosts {
			if u, err := url.Parse(h.url("team/app", "manifests", "1")); err == nil && u.Scheme != "http" && u.Scheme != "https" {
				t.Fatalf("the address %s", u)
			}
		}
	})
}

// reply is a server that sends the same response to every request.
type reply struct {
	status                         int
	challenge, after, kind, digest string
	body                           []byte
}

func (r *reply) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	for name, value := range map[string]string{
		"WWW-Authenticate": r.challenge, "Retry-After": r.after, "Content-Type": r.kind, "Docker-Content-Digest": r.digest, "Location": r.after,
	} {
		if value != "" {
			w.Header().Set(name, strings.NewReplacer("\r", " ", "\n", " ").Replace(value))
		}
	}
	w.WriteHeader(r.status)
	_, _ = w.Write(r.body)
}

// FuzzResponse looks up an image at a server with arbitrary responses. The result is an image, or one kind of error in one line
// without control characters.
func FuzzResponse(f *testing.F) {
	for _, seed := range manifestSeeds {
		f.Add(200, "", "", "", "", []byte(seed))
	}
	f.Add(401, `Bearer realm="http://127.0.0.1/token",service="x",scope="a"`, "", "", "", []byte(`{"token":"x"}`))
	f.Add(401, `Basic realm="x", Bearer realm=,`, "", "", "", []byte(``))
	f.Add(429, "", "Wed, 21 Oct 2015 07:28:00 GMT", "", "", []byte(`{"errors":[{"code":"TOOMANYREQUESTS","message":"\u001b[2J\r\nslow"}]}`))
	f.Add(307, "", "https://storage.example.com/x?sig=y", "", "", []byte(``))
	f.Add(503, "", "99999999999999999999", "", "", []byte(`{"details":"x"}`))
	f.Setenv("DOCKER_CONFIG", f.TempDir())
	var now atomic.Pointer[reply]
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { now.Load().ServeHTTP(w, r) }))
	f.Cleanup(server.Close)
	server.Config.ErrorLog = nil
	c := clientOf(f, server)
	f.Fuzz(func(t *testing.T, status int, challenge, after, kind, said string, body []byte) {
		now.Store(&reply{200 + int(uint(status)%400), challenge, after, kind, said, body})
		_, err := c.Lookup(t.Context(), server.Listener.Addr().String()+"/team/app:1", amd64)
		if err == nil {
			return
		}
		kinds := 0
		for _, kind := range []error{ErrAbsent, ErrNoPlatform, ErrDenied, ErrThrottled, ErrUnreachable, ErrBroken} {
			if errors.Is(err, kind) {
				kinds++
			}
		}
		if kinds != 1 || strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' || r == 0x7f }) {
			t.Fatalf("%d kinds: %q", kinds, err)
		}
	})
}

// clientOf returns a client whose connections all go to one server, and that skips all delays.
func clientOf(f *testing.F, server *httptest.Server) *Client {
	c, err := New(Options{Timeout: 5 * time.Second})
	if err != nil {
		f.Fatal(err)
	}
	c.retryBase = time.Nanosecond
	c.pause = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	hosts, err := c.hostsOf(server.Listener.Addr().String())
	if err != nil {
		f.Fatal(err)
	}
	var dialer net.Dialer
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return dialer.DialContext(ctx, network, server.Listener.Addr().String())
	}
	for _, h := range hosts {
		plain := h.Client.Transport.(*transport).next.(*http.Transport)
		plain.DialContext, plain.Proxy = dial, nil
		plain.DialTLSContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			return nil, tls.AlertError(40) // the server does not speak TLS
		}
	}
	return c
}
