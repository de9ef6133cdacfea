package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// configDir writes a hosts.toml for a registry and returns the directory for Options.
func configDir(t *testing.T, registry, text string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, text, dir, registry, "hosts.toml")
	return dir
}

func TestMirrors(t *testing.T) {
	hang := func(_ http.ResponseWriter, r *http.Request) bool {
		<-r.Context().Done()
		return true
	}
	html := func(w http.ResponseWriter, _ *http.Request) bool {
		_, _ = w.Write([]byte("<html>"))
		return true
	}
	tests := []struct {
		name             string
		mirror, upstream func(w http.ResponseWriter, r *http.Request) bool
		mirrorHas        bool
		err              error
		text             string // in the error
		asked            [2]int // mirror, upstream
	}{
		{name: "the mirror has it", mirrorHas: true, asked: [2]int{2, 0}},
		{name: "the mirror does not have it", asked: [2]int{1, 2}},
		{name: "the mirror fails", mirror: answers(500), asked: [2]int{1, 2}},
		{name: "the mirror denies", mirror: answers(403), asked: [2]int{1, 2}},
		{name: "the mirror throttles", mirror: answers(429, "Retry-After", "9"), asked: [2]int{1, 2}},
		{name: "the mirror is a page", mirror: html, asked: [2]int{1, 2}},
		{name: "the mirror is silent", mirror: hang, asked: [2]int{1, 2}},
		{name: "both absent", upstream: answers(404), err: ErrAbsent, text: "\nmirror 127.0.0.1", asked: [2]int{1, 1}},
		{name: "the upstream decides", upstream: answers(403), err: ErrDenied, text: ": not found: 404 Not Found: manifest unknown", asked: [2]int{1, 1}},
		{name: "denied by the mirror, absent upstream", mirror: answers(403), upstream: answers(404), err: ErrAbsent, asked: [2]int{1, 1}},
		{name: "silent, then failing", mirror: hang, upstream: answers(500), err: ErrUnreachable, text: "no complete response within", asked: [2]int{1, 4}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			mirror, upstream := newFake(t), newFake(t)
			mirror.before, upstream.before = tt.mirror, tt.upstream
			mirror.Start()
			upstream.Start()
			upstream.image(amd64, "it")
			if tt.mirrorHas {
				mirror.image(amd64, "it")
			}
			dir := configDir(t, "registry.invalid", fmt.Sprintf("server = %q\n[host.%q]\ncapabilities = [\"pull\", \"resolve\"]\n", upstream.URL, mirror.URL))
			c, _ := newClient(t, Options{ConfigDir: dir, Timeout: 1500 * time.Millisecond})
			c.retryBase = time.Millisecond
			_, err := c.Lookup(context.Background(), "registry.invalid/"+repo+":it", amd64)
			if tt.err != nil {
				wantFault(t, err, tt.err)
				if !strings.Contains(err.Error(), tt.text) {
					t.Errorf("%q lacks %q", err, tt.text)
				}
				wantFirstLine(t, err, "looking up registry.invalid/"+repo+":it: "+tt.err.Error())
			} else if err != nil {
				t.Error(err)
			}
			if got := [2]int{len(mirror.asked()), len(upstream.asked())}; got != tt.asked {
				t.Errorf("asked %v times, want %v", got, tt.asked)
			}
		})
	}
}

// TestMirrorThatMayNotResolve has a mirror that may serve digests, but not resolve tags.
func TestMirrorThatMayNotResolve(t *testing.T) {
	mirror, upstream := started(t), started(t)
	mirror.image(amd64, "it")
	desc := upstream.image(amd64, "it")
	dir := configDir(t, "registry.invalid", fmt.Sprintf("server = %q\n[host.%q]\ncapabilities = [\"pull\"]\n", upstream.URL, mirror.URL))
	c, _ := newClient(t, Options{ConfigDir: dir})
	if _, err := c.Lookup(context.Background(), "registry.invalid/"+repo+":it", amd64); err != nil {
		t.Fatal(err)
	}
	if len(mirror.asked()) != 0 {
		t.Errorf("the mirror was asked %v", mirror.asked())
	}
	if _, err := c.Lookup(context.Background(), "registry.invalid/"+repo+"@"+desc.Digest.String(), amd64); err != nil {
		t.Fatal(err)
	}
	if len(mirror.asked()) != 2 || len(upstream.asked()) != 2 {
		t.Errorf("the mirror was asked %v, the upstream %v", mirror.asked(), upstream.asked())
	}
	if err := c.CheckPush(context.Background(), "registry.invalid/"+repo); errors.Is(err, ErrUnreachable) || len(mirror.asked()) != 2 {
		t.Errorf("a push asked %v: %v", mirror.asked(), err)
	}
}

func TestNamespaceAndHeaders(t *testing.T) {
	f := newFake(t)
	var query, header string
	f.before = func(_ http.ResponseWriter, r *http.Request) bool {
		query, header = r.URL.RawQuery, r.Header.Get("X-Team")
		return false
	}
	f.Start()
	dir := configDir(t, "registry.invalid", fmt.Sprintf("server = %q\n[header]\nx-team = \"ours\"\n", f.URL))
	c, _ := newClient(t, Options{ConfigDir: dir})
	_, err := c.Lookup(context.Background(), "registry.invalid/"+repo+":it", amd64)
	if !errors.Is(err, ErrAbsent) || query != "ns=registry.invalid" || header != "ours" {
		t.Errorf("query %q, header %q, %v", query, header, err)
	}
}

func TestBrokenHostsFile(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"no TOML", "server = \n", "toml"},
		{"an unknown capability", "capabilities = [\"fly\"]\n", "unknown capability fly"},
		{"no such certificate", "ca = \"none.pem\"\n", "none.pem"},
		{"nobody to ask", "server = \"http://127.0.0.1:1\"\ncapabilities = [\"push\"]\n", "hosts.toml names no host with the capability for this request"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, _ := newClient(t, Options{ConfigDir: configDir(t, "registry.invalid", tt.text)})
			_, err := c.Lookup(context.Background(), "registry.invalid/a:b", amd64)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// TestTLS has a registry on loopback with its own certificate. The client detects that it speaks TLS.
func TestTLS(t *testing.T) {
	f := newFake(t)
	f.StartTLS()
	f.image(amd64, "it")
	port := f.host()[strings.LastIndex(f.host(), ":"):]
	ca := caOf(t, f)
	tests := []struct {
		name string
		opt  Options
		ref  string
		err  error
		text string
	}{
		{name: "unknown authority", ref: f.ref("it"), err: ErrUnreachable,
			text: "this client does not trust the authority that signed the certificate"},
		{name: "unknown authority's advice", ref: f.ref("it"), err: ErrUnreachable, text: "; add the authority with --ca-file FILE"},
		{name: "--ca-file", ref: f.ref("it"), opt: Options{CAFile: ca}},
		{name: "another name", ref: "localhost" + port + "/" + repo + ":it", opt: Options{CAFile: ca}, err: ErrUnreachable,
			text: "the certificate is not valid for this name or at this time"},
		{name: "hosts.toml names a file", ref: f.ref("it"), opt: Options{ConfigDir: configDir(t, f.host(), fmt.Sprintf("server = %q\nca = %q\n", f.URL, ca))}},
		{name: "hosts.toml names a file only", ref: f.ref("it"), opt: Options{ConfigDir: configDir(t, f.host(), fmt.Sprintf("ca = %q\n", ca))}},
		{name: "hosts.toml and --ca-file", ref: f.ref("it"),
			opt: Options{CAFile: ca, ConfigDir: configDir(t, f.host(), fmt.Sprintf("server = %q\nca = %q\n", f.URL, caOf(t, f)))}},
		{name: "hosts.toml skips", ref: f.ref("it"), opt: Options{ConfigDir: configDir(t, f.host(), fmt.Sprintf("server = %q\nskip_verify = true\n", f.URL))}},
		{name: "by another name", ref: "registry.invalid/" + repo + ":it",
			opt: Options{CAFile: ca, ConfigDir: configDir(t, "registry.invalid", fmt.Sprintf("server = %q\n", f.URL))}},
		{name: "a directory of certificates", ref: f.ref("it"), opt: Options{ConfigDir: certificates(t, f, ca)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, _ := newClient(t, tt.opt)
			_, err := c.Lookup(context.Background(), tt.ref, amd64)
			if tt.err == nil {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantFault(t, err, tt.err)
			wantFirstLine(t, err, tt.text)
		})
	}
}

// certificates writes a directory in Docker's layout: a .crt file without a hosts.toml.
func certificates(t *testing.T, f *fake, ca string) string {
	t.Helper()
	pem, err := os.ReadFile(ca)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, string(pem), dir, f.host(), "ca.crt")
	return dir
}

// nonLoopback returns a server's address with a name that reaches it but does not count as loopback.
func nonLoopback(f *fake) string {
	return "0.0.0.0" + f.host()[strings.LastIndex(f.host(), ":"):]
}

// TestHeadersStayAtTheirHost: the headers of hosts.toml and the credentials do not follow a redirect to another host. They do not
// come back either if that host redirects to the first.
func TestHeadersStayAtTheirHost(t *testing.T) {
	const login, header = "Basic bWU6cHc=", "HEADERSECRET"
	for _, tt := range []struct {
		name        string
		to          func(here, there string) string // where the registry redirects to
		back        bool                            // whether the other host redirects back
		here, there []string                        // what the last request to each carried: Authorization, X-Token, Accept
	}{
		{name: "to another path", to: func(here, _ string) string { return here }, here: []string{login, header, "yes"}},
		{name: "to another host", to: func(_, there string) string { return there }, there: []string{"", "", "yes"}},
		{name: "away and back", to: func(_, there string) string { return there }, back: true, there: []string{"", "", "yes"}, here: []string{"", "", "yes"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			seen := func(r *http.Request) []string {
				accept := ""
				if r.Header.Get("Accept") != "" {
					accept = "yes"
				}
				return []string{r.Header.Get("Authorization"), r.Header.Get("X-Token"), accept}
			}
			f, other := newFake(t), newFake(t)
			var here, there []string
			f.before = func(w http.ResponseWriter, r *http.Request) bool {
				switch {
				case strings.HasPrefix(r.URL.Path, "/moved/"):
					here = seen(r)
					r.URL.Path = strings.TrimPrefix(r.URL.Path, "/moved")
					refuse(w, http.StatusNotFound, "MANIFEST_UNKNOWN", "not here")
				case r.Header.Get("Authorization") != login:
					w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
					refuse(w, http.StatusUnauthorized, "UNAUTHORIZED", "who are you")
				default:
					http.Redirect(w, r, tt.to(f.URL, other.URL)+"/moved"+r.URL.Path, http.StatusTemporaryRedirect)
				}
				return true
			}
			other.before = func(w http.ResponseWriter, r *http.Request) bool {
				there = seen(r)
				if tt.back {
					http.Redirect(w, r, f.URL+r.URL.Path, http.StatusTemporaryRedirect)
				} else {
					refuse(w, http.StatusNotFound, "MANIFEST_UNKNOWN", "not here")
				}
				return true
			}
			f.Start()
			other.Start()
			t.Setenv("DOCKER_CONFIG", t.TempDir())
			logIn(t, f.host(), "me", "pw")
			dir := configDir(t, f.host(), fmt.Sprintf("server = %q\n[header]\nX-Token = %q\n", f.URL, header))
			c, _ := newClient(t, Options{ConfigDir: dir})
			_, err := c.Lookup(context.Background(), f.ref("it"), amd64)
			wantFault(t, err, ErrAbsent)
			if !slices.Equal(here, tt.here) || !slices.Equal(there, tt.there) {
				t.Errorf("the host saw %q, want %q; the other saw %q, want %q", here, tt.here, there, tt.there)
			}
		})
	}
}

// TestPasswordStaysAtItsTokenServer: the client does not follow a redirect that would send a form with a password elsewhere.
func TestPasswordStaysAtItsTokenServer(t *testing.T) {
	other := started(t)
	k := newTokens(t)
	k.issue = func(w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, other.URL+"/token", http.StatusTemporaryRedirect)
		return true
	}
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	logIn(t, k.host(), "me", "pw")
	c, _ := newClient(t, Options{})
	_, err := c.Lookup(context.Background(), k.ref("it"), amd64)
	wantFault(t, err, ErrUnreachable)
	wantFirstLine(t, err, "the token server redirects the password to another server, "+other.host())
	if len(other.asked()) != 0 {
		t.Errorf("the other was asked %v", other.asked())
	}
}

func TestDefaultScheme(t *testing.T) {
	tests := map[string]string{
		"localhost:5000": "http", "127.0.0.1:5000": "http", "127.8.9.1:80": "http", "[::1]:5000": "http",
		"localhost": "https", "localhost:443": "https", "docker.io": "https", "10.0.0.1:5000": "https",
		"localhost.example.com:5000": "https", "[2001:db8::1]:5000": "https",
	}
	for registry, want := range tests {
		if got := defaultScheme(registry); got != want {
			t.Errorf("%s: %s, want %s", registry, got, want)
		}
	}
}

func TestWantsTLS(t *testing.T) {
	response := func(status int, body string) *http.Response {
		r := httptest.NewRecorder()
		r.WriteHeader(status)
		r.Body = bytes.NewBufferString(body)
		return r.Result()
	}
	tests := []struct {
		name string
		resp *http.Response
		err  error
		want bool
	}{
		{"Go", response(400, "Client sent an HTTP request to an HTTPS server.\n"), nil, true},
		{"nginx", response(400, "<center>The plain HTTP request was sent to HTTPS port</center>"), nil, true},
		{"another 400", response(400, "bad"), nil, false},
		{"fine", response(200, "HTTPS"), nil, false},
		{"an alert", nil, errors.New(`net/http: HTTP/1.x transport connection broken: malformed HTTP response "\x15\x03\x01\x00\x02\x02F"`), true},
		{"something else", nil, errors.New("no"), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := wantsTLS(tt.resp, tt.err); got != tt.want {
				t.Errorf("got %t", got)
			}
		})
	}
}

// TestProxy uses a proxy that the environment names. It starts another process, since net/http reads the environment only
// once.
func TestProxy(t *testing.T) {
	proxy := started(t)
	want := proxy.image(amd64, "it")
	dir := configDir(t, "registry.invalid", "server = \"http://registry.invalid\"\n")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), "HTTP_PROXY="+proxy.URL, "NO_PROXY=", "DOCKER_CONFIG="+t.TempDir(),
		envAsk+"=registry.invalid/"+repo+":it", envDir+"="+dir)
	out, err := cmd.CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != want.Digest.String() {
		t.Errorf("got %s, %v; want %s", out, err, want.Digest)
	}
	if len(proxy.asked()) != 2 {
		t.Errorf("the proxy was asked %v", proxy.asked())
	}
}

func TestHostDir(t *testing.T) {
	dir := t.TempDir()
	write(t, "", dir, "_default", "hosts.toml")
	write(t, "", dir, "a.example_5000_", "hosts.toml")
	c, _ := newClient(t, Options{ConfigDir: dir})
	for registry, want := range map[string]string{"a.example:5000": "a.example_5000_", "b.example": "_default"} {
		if got, err := c.hostDir(registry); err != nil || got != filepath.Join(dir, want) {
			t.Errorf("%s: %s, %v", registry, got, err)
		}
	}
}
