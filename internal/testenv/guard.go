package testenv

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// guard protects a registry by a user and a password, with one of the two methods of registries: HTTP's basic authentication, or
// tokens as in https://distribution.github.io/distribution/spec/auth/token/.
type guard struct {
	user, password string
	tokens         bool
	master         string // the token of this package

	mu     sync.Mutex
	issued map[string][]string // token to its scopes, "repository:NAME:ACTION"
}

// tokenPath is the path at which a registry issues tokens.
const tokenPath = "/token"

func newGuard(user, password string, tokens bool) *guard {
	return &guard{user: user, password: password, tokens: tokens, master: rand.Text(), issued: map[string][]string{}}
}

// encoded returns user and password in the form of Docker's config file and of HTTP.
func (g *guard) encoded() string {
	return base64.StdEncoding.EncodeToString([]byte(g.user + ":" + g.password))
}

// around returns a handler that requires credentials for next.
func (g *guard) around(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g.tokens && r.URL.Path == tokenPath {
			g.giveToken(w, r)
			return
		}
		if g.allows(r) {
			next.ServeHTTP(w, r)
			return
		}
		challenge := `Basic realm="test registry"`
		if g.tokens {
			challenge = bearerChallenge(r)
		}
		w.Header().Set("WWW-Authenticate", challenge)
		refuse(w, "UNAUTHORIZED", "authentication required")
	})
}

func (g *guard) allows(r *http.Request) bool {
	token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if bearer && token == g.master {
		return true
	}
	if !g.tokens {
		return g.knows(r)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	scopes, ok := g.issued[token]
	needed := scope(r)
	return ok && bearer && (needed == "" || slices.Contains(scopes, needed))
}

// knows reports whether a request has the right user and password.
func (g *guard) knows(r *http.Request) bool {
	user, password, _ := r.BasicAuth()
	return user == g.user && password == g.password
}

// giveToken issues a token for GET with basic authentication, which every client supports. Clients that try POST first fall back
// to GET after a 405.
func (g *guard) giveToken(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		http.Error(w, "only GET", http.StatusMethodNotAllowed)
		return
	}
	if !g.knows(r) {
		refuse(w, "UNAUTHORIZED", "wrong user or password")
		return
	}
	var scopes []string
	for _, text := range r.URL.Query()["scope"] {
		for _, one := range strings.Fields(text) {
			at := strings.LastIndex(one, ":") + 1
			for action := range strings.SplitSeq(one[at:], ",") {
				scopes = append(scopes, one[:at]+action)
			}
		}
	}
	token := rand.Text()
	g.mu.Lock()
	g.issued[token] = scopes
	g.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"token": token, "access_token": token, "expires_in": 300})
}

// scope returns the scope that a request needs, "repository:NAME:ACTION", or "" if any token suffices.
func scope(r *http.Request) string {
	path := strings.TrimPrefix(r.URL.Path, "/v2/")
	for _, kind := range []string{"/manifests/", "/blobs/", "/tags/", "/referrers/"} {
		if at := strings.LastIndex(path, kind); at > 0 {
			return "repository:" + path[:at] + ":" + action(r.Method)
		}
	}
	return ""
}

func action(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead:
		return "pull"
	case http.MethodDelete:
		return "delete"
	}
	return "push"
}

func bearerChallenge(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	challenge := fmt.Sprintf("Bearer realm=%q,service=\"test registry\"", scheme+"://"+r.Host+tokenPath)
	if needed := scope(r); needed != "" {
		challenge += fmt.Sprintf(",scope=%q", strings.Replace(needed, ":push", ":pull,push", 1))
	}
	return challenge
}

// refuse responds with an error in the format of registries.
func refuse(w http.ResponseWriter, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusUnauthorized)
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": []map[string]string{{"code": code, "message": message}}})
}
