package e2e

import (
	"context"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rtbuild/rtbuild/internal/testenv"
)

// firewall is the only connection of an isolated builder. It forwards allowed requests, and records the others.
type firewall struct {
	inside *testenv.Namespace
	proxy  string // for --build-arg HTTP_PROXY and HTTPS_PROXY

	mu      sync.Mutex
	allowed []string
	refused []string
	passed  map[string]bool // allowed addresses that were requested
	tunnels int
}

// isolatedBuilder starts a builder in an isolated network, which runs until all tests end. From inside, hosts on this machine's
// loopback have the same address, and everything else goes through the proxy. Both are limited to the allowed addresses.
func isolatedBuilder(t *testing.T, o testenv.BuilderOptions, allowed []string, hosts ...string) (*testenv.Builder, *firewall) {
	t.Helper()
	inside := must(testenv.NewNamespace())(t)
	w := &firewall{inside: inside, allowed: allowed, passed: map[string]bool{}}
	server := &http.Server{Handler: w}
	atEnd(inside.Close, server.Close)
	for _, address := range append(hosts, "127.0.0.1:0") {
		listener := must(inside.Listen(address))(t)
		go func() { _ = server.Serve(listener) }()
		w.proxy = "http://" + listener.Addr().(*net.TCPAddr).String()
	}
	o.Inside = inside
	dir := must(os.MkdirTemp(env.dir, "isolated-"))(t)
	builder := must(testenv.StartBuilder(context.Background(), env.Buildkitd, dir, o))(t)
	atEnd(builder.Stop)
	return builder, w
}

// ServeHTTP handles requests to a proxy, and requests to hosts.
func (w *firewall) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	if r.URL.Host == "" {
		r.URL.Scheme, r.URL.Host = "http", r.Host
	}
	if !w.allows(r) {
		http.Error(out, "the address is not on the list", http.StatusForbidden)
		return
	}
	if r.Method == http.MethodConnect {
		tunnel(out, r)
		return
	}
	(&httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) { p.Out.Host = p.In.Host }}).ServeHTTP(out, r)
}

// allows reports whether a request is allowed. For a tunnel, it knows only the host.
func (w *firewall) allows(r *http.Request) bool {
	address := r.URL.Scheme + "://" + r.URL.Host + r.URL.Path
	if r.Method == http.MethodConnect {
		address = "https://" + strings.TrimSuffix(r.Host, ":443")
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	at := slices.IndexFunc(w.allowed, func(entry string) bool {
		return address == entry || strings.HasPrefix(address, entry+"/") || r.Method == http.MethodConnect && strings.HasPrefix(entry, address+"/")
	})
	if at < 0 {
		w.refused = append(w.refused, r.Method+" "+address)
		return false
	}
	w.passed[w.allowed[at]] = true
	if r.Method == http.MethodConnect {
		w.tunnels++
	}
	return true
}
