package e2e

import (
	"net"
	"net/http"
	"net/http/httputil"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rtbuild/rtbuild/internal/testenv"
)

// wall stands around a builder whose network leads nowhere: it passes on what is on its list, and remembers the rest.
type wall struct {
	proxy string // for --build-arg HTTP_PROXY

	mu      sync.Mutex
	allowed []string
	refused []string
	passed  map[string]bool // those of the list that were asked for
}

// walledBuilder starts a builder in a network of its own. What listens on this machine's loopback at hosts can be reached from
// inside by the same address, all else by the proxy; everything only as far as it is on the list.
func walledBuilder(t *testing.T, allowed []string, hosts ...string) (*testenv.Builder, *wall) {
	t.Helper()
	inside := must(testenv.NewNamespace())(t)
	t.Cleanup(func() { inside.Close() })
	w := &wall{allowed: allowed, passed: map[string]bool{}}
	for _, address := range append(hosts, "127.0.0.1:0") {
		listener := must(inside.Listen(address))(t)
		server := &http.Server{Handler: w}
		go func() { _ = server.Serve(listener) }()
		t.Cleanup(func() { server.Close() })
		w.proxy = "http://" + listener.Addr().(*net.TCPAddr).String()
	}
	return freshBuilder(t, testenv.BuilderOptions{Inside: inside}), w
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
	(&httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) { p.Out.Host = p.In.Host }}).ServeHTTP(out, r)
}

func (w *wall) lets(r *http.Request) bool {
	address := r.URL.Scheme + "://" + r.URL.Host + r.URL.Path
	if r.Method == http.MethodConnect {
		address = "https://" + strings.TrimSuffix(r.Host, ":443")
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	at := slices.IndexFunc(w.allowed, func(entry string) bool { return address == entry || strings.HasPrefix(address, entry+"/") })
	if at < 0 {
		w.refused = append(w.refused, r.Method+" "+address)
		return false
	}
	w.passed[w.allowed[at]] = true
	return r.Method != http.MethodConnect // nothing in these tests needs a tunnel
}
