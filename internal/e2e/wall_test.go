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

// wall stands around a builder whose network leads nowhere: it passes on what is on its list, and remembers the rest.
type wall struct {
	inside *testenv.Namespace
	proxy  string // for --build-arg HTTP_PROXY and HTTPS_PROXY

	mu      sync.Mutex
	allowed []string
	refused []string
	passed  map[string]bool // those of the list that were asked for
	tunnels int
}

// walledBuilder starts a builder in a network of its own, for as long as the tests last. What listens on this machine's loopback
// at hosts can be reached from inside by the same address, all else by the proxy; everything only as far as it is on the list.
func walledBuilder(t *testing.T, o testenv.BuilderOptions, allowed []string, hosts ...string) (*testenv.Builder, *wall) {
	t.Helper()
	inside := must(testenv.NewNamespace())(t)
	w := &wall{inside: inside, allowed: allowed, passed: map[string]bool{}}
	server := &http.Server{Handler: w}
	env.closers = append(env.closers, inside.Close, server.Close)
	for _, address := range append(hosts, "127.0.0.1:0") {
		listener := must(inside.Listen(address))(t)
		go func() { _ = server.Serve(listener) }()
		w.proxy = "http://" + listener.Addr().(*net.TCPAddr).String()
	}
	o.Inside = inside
	dir := must(os.MkdirTemp(env.dir, "walled-"))(t)
	builder := must(testenv.StartBuilder(context.Background(), env.Buildkitd, dir, o))(t)
	env.closers = append(env.closers, builder.Stop)
	return builder, w
}

// ServeHTTP takes requests for itself as a proxy, and those that think that they have reached whom they ask.
func (w *wall) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	if r.URL.Host == "" {
		r.URL.Scheme, r.URL.Host = "http", r.Host
	}
	if !w.lets(r) {
		http.Error(out, "the address is not on the list", http.StatusForbidden)
		return
	}
	if r.Method == http.MethodConnect {
		tunnel(out, r)
		return
	}
	(&httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) { p.Out.Host = p.In.Host }}).ServeHTTP(out, r)
}

// lets says whether a request may pass. Of a tunnel only the host is seen.
func (w *wall) lets(r *http.Request) bool {
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
