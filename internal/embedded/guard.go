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

// Paths of the registry API that the guard answers itself.
const (
	pingPath  = "/v2/"
	tokenPath = "/token"
)

// anonymous is what somebody without a password gets: it allows what is allowed to everybody.
const anonymous = "read"

// guard stands before the private registry. Every program of this machine may read. A write takes the token. Web pages,
// which a browser lets ask any address, may do nothing: they are recognised by their Origin, or by a Host that is not ours.
//
// A write without the token is challenged for a password, which containerd and BuildKit answer. Docker, skopeo and crane
// ask /v2/ first, and never send a password where that was answered without a challenge. The challenge there is for a
// bearer token, since Docker refuses to pull without a password where one was asked for.
type guard struct {
	next  http.Handler
	port  string
	token string
}

// ServeHTTP implements http.Handler.
func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case !isLoopback(r.Host, g.port):
		refuse(w, http.StatusForbidden, "DENIED", fmt.Sprintf("this is the private registry of one user: it answers to 127.0.0.1:%s only, not to %q", g.port, r.Host))
	case len(r.Header.Values("Origin")) > 0:
		refuse(w, http.StatusForbidden, "DENIED", "this is the private registry of one user: web pages may not ask it")
	case r.URL.Path == tokenPath:
		g.giveToken(w, r)
	case r.URL.Path == pingPath && !g.mayWrite(r) && r.Header.Get("Authorization") != "Bearer "+anonymous:
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s%s",service="rtbuild"`, r.Host, tokenPath))
		refuse(w, http.StatusUnauthorized, "UNAUTHORIZED", "log in, or fetch a token without a password, which may read")
	case !reads(r.Method) && !g.mayWrite(r):
		w.Header().Set("WWW-Authenticate", `Basic realm="the private registry of rtbuild"`)
		refuse(w, http.StatusUnauthorized, "UNAUTHORIZED", "writing takes a password: rtbuild-client serve says how to log in")
	default:
		g.next.ServeHTTP(w, r)
	}
}

// giveToken gives bearer tokens by Docker's token protocol: the one that writes for the password, the one that reads
// for none.
func (g *guard) giveToken(w http.ResponseWriter, r *http.Request) {
	token := anonymous
	switch {
	case r.Method != http.MethodGet: // clients go on with GET
		refuse(w, http.StatusMethodNotAllowed, "UNSUPPORTED", "tokens are given by GET")
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

// same compares secrets in a time that tells nothing about them.
func same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// reads reports whether a method changes nothing.
func reads(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// isLoopback reports whether a Host header names this machine's own interface and our port.
func isLoopback(host, port string) bool {
	name, at, err := net.SplitHostPort(host)
	if err != nil { // no port: HTTP's own
		name, at = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"), "80"
	}
	addr, err := netip.ParseAddr(name)
	return at == port && (strings.EqualFold(name, "localhost") || err == nil && addr.IsLoopback() && addr.Zone() == "")
}

// refuse answers with an error as the registry API has them.
func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": []any{map[string]string{"code": code, "message": message}}})
}
