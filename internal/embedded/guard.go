package embedded

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// Paths of the registry API that the guard handles itself.
const (
	pingPath  = "/v2/"
	tokenPath = "/token"
)

// anonymous is the token for clients without a password. It only permits reading.
const anonymous = "read"

// guard protects the private registry. Every program on this machine may read. A write needs the token. Web pages may do
// nothing, although a browser lets them send requests to any address. guard recognises them by their Origin, or by a Host that is
// not the registry's.
//
// A write without the token gets a challenge for a password, which containerd and BuildKit answer. Docker, skopeo and crane
// request /v2/ first, and never send a password if that gives no challenge. The challenge there is for a bearer token: after one
// for a password, Docker would refuse to pull without.
type guard struct {
	next  http.Handler
	port  string
	token string
}

// ServeHTTP implements http.Handler.
func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case !isLoopback(r.Host, g.port):
		refuse(w, http.StatusForbidden, "DENIED", fmt.Sprintf("this is the private registry of one user: its only address is 127.0.0.1:%s, not %q", g.port, r.Host))
	case len(r.Header.Values("Origin")) > 0:
		refuse(w, http.StatusForbidden, "DENIED", "this is the private registry of one user: web pages may not use it")
	case r.URL.Path == tokenPath:
		g.serveToken(w, r)
	case r.URL.Path == pingPath && !g.mayWrite(r) && r.Header.Get("Authorization") != "Bearer "+anonymous:
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s%s",service="rtbuild"`, r.Host, tokenPath))
		refuse(w, http.StatusUnauthorized, "UNAUTHORIZED", "log in, or fetch a token without a password to read")
	case !reads(r.Method) && !g.mayWrite(r):
		w.Header().Set("WWW-Authenticate", `Basic realm="the private registry of rtbuild"`)
		refuse(w, http.StatusUnauthorized, "UNAUTHORIZED", "a push needs a password: rtbuild-client serve shows how to log in")
	default:
		g.next.ServeHTTP(w, r)
	}
}

// serveToken issues bearer tokens by Docker's token protocol: one that may write if the request has the password, else one that may
// read.
func (g *guard) serveToken(w http.ResponseWriter, r *http.Request) {
	token := anonymous
	switch {
	case r.Method != http.MethodGet: // clients try GET next
		refuse(w, http.StatusMethodNotAllowed, "UNSUPPORTED", "use GET to fetch a token")
		return
	case g.mayWrite(r):
		token = g.token
	case r.Header.Get("Authorization") != "":
		refuse(w, http.StatusUnauthorized, "UNAUTHORIZED", "wrong user or password")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(map[string]any{"token": token, "expires_in": 3600})
}

// mayWrite reports whether a request carries the token, as a password or as a bearer token.
func (g *guard) mayWrite(r *http.Request) bool {
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return same(bearer, g.token)
	}
	user, password, ok := r.BasicAuth()
	return ok && user == User && same(password, g.token)
}

// same compares secrets in constant time.
func same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// reads reports whether a method changes nothing.
func reads(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// isLoopback reports whether a Host header names the loopback interface and this port.
func isLoopback(host, port string) bool {
	name, at, err := net.SplitHostPort(host)
	if err != nil { // no port: HTTP's own
		name, at = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"), "80"
	}
	addr, err := netip.ParseAddr(name)
	return at == port && (strings.EqualFold(name, "localhost") || err == nil && addr.IsLoopback() && addr.Zone() == "")
}

// refuse sends an error response in the format of the registry API.
func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": []any{map[string]string{"code": code, "message": message}}})
}
