package registry

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
)

// logIn makes one login in the Docker config file that the environment names.
func logIn(t *testing.T, host, user, password string) {
	t.Helper()
	auth := base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
	write(t, fmt.Sprintf(`{"auths":{%q:{"auth":%q}}}`, host, auth), os.Getenv("DOCKER_CONFIG"), "config.json")
}

func TestBasicAuth(t *testing.T) {
	tests := []struct {
		name, user, password string
		err                  error
		text                 string
		requests             int
	}{
		{name: "right", user: "me", password: "pw", requests: 3},
		{name: "wrong", user: "me", password: "no", err: ErrDenied, requests: 2,
			text: "401 Unauthorized: who are you; me has no access, or the credentials have expired"},
		{name: "none", err: ErrDenied, requests: 1, text: "no credentials found"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("DOCKER_CONFIG", t.TempDir())
			f := newFake(t)
			f.before = func(w http.ResponseWriter, r *http.Request) bool {
				if user, password, _ := r.BasicAuth(); user == "me" && password == "pw" {
					return false
				}
				w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
				refuse(w, http.StatusUnauthorized, "UNAUTHORIZED", "who are you")
				return true
			}
			f.Start()
			f.image(amd64, "it")
			if tt.user != "" {
				logIn(t, f.host(), tt.user, tt.password)
			}
			c, _ := newClient(t, Options{})
			_, err := c.Lookup(context.Background(), f.ref("it"), amd64)
			if tt.err == nil && err != nil {
				t.Fatal(err)
			}
			if tt.err != nil {
				wantFault(t, err, tt.err)
				wantFirstLine(t, err, tt.text)
			}
			if got := len(f.asked()); got != tt.requests {
				t.Errorf("%d requests: %v", got, f.asked())
			}
		})
	}
}

// tokens is a fake registry with a token server.
type tokens struct {
	*fake
	issue func(w http.ResponseWriter, r *http.Request) bool // if it returns true, it has sent the response

	mu     sync.Mutex
	valid  string
	scopes []string
}

func newTokens(t *testing.T) *tokens {
	k := &tokens{fake: newFake(t), valid: "t1"}
	k.fake.before = func(w http.ResponseWriter, r *http.Request) bool {
		k.mu.Lock()
		defer k.mu.Unlock()
		if r.URL.Path == "/token" {
			_ = r.ParseForm()
			k.scopes = append(k.scopes, strings.Join(r.Form["scope"], " "))
			if k.issue == nil || !k.issue(w, r) {
				_, _ = fmt.Fprintf(w, `{"token":%q,"access_token":%q}`, k.valid, k.valid)
			}
			return true
		}
		if r.Header.Get("Authorization") == "Bearer "+k.valid {
			return false
		}
		problem := ""
		if r.Header.Get("Authorization") != "" {
			problem = `,error="invalid_token"`
		}
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="%s/token",service="test",scope="repository:%s:pull"%s`, k.URL, repo, problem))
		refuse(w, http.StatusUnauthorized, "UNAUTHORIZED", "authentication required")
		return true
	}
	k.Start()
	k.image(amd64, "it")
	return k
}

func (k *tokens) count(request string) int {
	n := 0
	for _, r := range k.asked() {
		if r == request {
			n++
		}
	}
	return n
}

// issueToMe issues tokens only to user "me", for both kinds of request.
func issueToMe(w http.ResponseWriter, r *http.Request) bool {
	user, password, _ := r.BasicAuth()
	if r.Method == http.MethodPost {
		user, password = r.PostForm.Get("username"), r.PostForm.Get("password")
	}
	if user != "me" || password != "pw" {
		refuse(w, http.StatusUnauthorized, "UNAUTHORIZED", "incorrect username or password")
		return true
	}
	return false
}

var bearerTests = []struct {
	name, user, password string
	issue                func(w http.ResponseWriter, r *http.Request) bool
	err                  error
	status               int
	text                 string
}{
	{name: "anonymous"},
	{name: "right", user: "me", password: "pw", issue: issueToMe},
	{name: "right, no POST", user: "me", password: "pw", issue: func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPost {
			w.WriteHeader(http.StatusMethodNotAllowed)
			return true
		}
		return issueToMe(w, r)
	}},
	{name: "wrong", user: "me", password: "no", issue: issueToMe, err: ErrDenied, status: 401,
		text: "incorrect username or password: fetching a token from http://127.0.0.1:"},
	{name: "needed", issue: issueToMe, err: ErrDenied, status: 401, text: "no credentials found"},
	{name: "403 for a token", issue: answers(403), err: ErrDenied, status: 403},
	{name: "400 for a token", issue: answers(400), err: ErrDenied, status: 400},
	{name: "404 for a token", issue: answers(404), err: ErrBroken, status: 404, text: "fetching a token"},
	{name: "429 for a token", issue: answers(429), err: ErrThrottled, status: 429},
	{name: "500 for a token", issue: answers(500), err: ErrUnreachable, status: 500},
	{name: "no token", issue: func(w http.ResponseWriter, _ *http.Request) bool {
		_, _ = w.Write([]byte(`{}`))
		return true
	}, err: ErrBroken, text: "did not include a token"},
	{name: "a page for a token", issue: func(w http.ResponseWriter, _ *http.Request) bool {
		_, _ = w.Write([]byte(`<html>`))
		return true
	}, err: ErrBroken, text: "invalid character"},
	{name: "a token that does not help", err: ErrDenied, status: 401, issue: func(w http.ResponseWriter, _ *http.Request) bool {
		_, _ = w.Write([]byte(`{"token":"other","access_token":"other"}`))
		return true
	}},
}

func TestBearerAuth(t *testing.T) {
	for _, tt := range bearerTests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("DOCKER_CONFIG", t.TempDir())
			k := newTokens(t)
			k.issue = tt.issue
			if tt.user != "" {
				logIn(t, k.host(), tt.user, tt.password)
			}
			c, _ := newClient(t, Options{})
			_, err := c.Lookup(context.Background(), k.ref("it"), amd64)
			if tt.err == nil {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantFault(t, err, tt.err)
			wantFirstLine(t, err, tt.text)
			var fault *Error
			if errors.As(err, &fault) && fault.Status != tt.status {
				t.Errorf("status %d, want %d", fault.Status, tt.status)
			}
		})
	}
}

// TestFailedTokenRequestIsRepeated has a token server that fails once. containerd's authorizer alone would never ask it again.
func TestFailedTokenRequestIsRepeated(t *testing.T) {
	k := newTokens(t)
	failed := false
	k.issue = func(w http.ResponseWriter, r *http.Request) bool {
		if failed {
			return false
		}
		failed = true
		return answers(503)(w, r)
	}
	c, w := newClient(t, Options{})
	if _, err := c.Lookup(context.Background(), k.ref("it"), amd64); err != nil || len(w.all) != 1 {
		t.Errorf("%v after %v", err, w.all)
	}
}

func TestTokenIsShared(t *testing.T) {
	k := newTokens(t)
	c, _ := newClient(t, Options{})
	for range 2 {
		for _, a := range c.LookupAll(context.Background(), []string{k.ref("it"), k.ref("it"), k.ref("it")}, amd64) {
			if a.Err != nil {
				t.Error(a.Err)
			}
		}
	}
	if k.count("GET /token") != 1 || k.scopes[0] != "repository:"+repo+":pull" {
		t.Errorf("tokens for %q", k.scopes)
	}
}

func TestExpiredToken(t *testing.T) {
	k := newTokens(t)
	c, _ := newClient(t, Options{})
	for _, valid := range []string{"t1", "t2"} {
		k.mu.Lock()
		k.valid = valid
		k.mu.Unlock()
		if _, err := c.Lookup(context.Background(), k.ref("it"), amd64); err != nil {
			t.Error(err)
		}
	}
	if k.count("GET /token") != 2 {
		t.Errorf("requests %v", k.asked())
	}
}

// TestTokenPerScope has a token server that denies every request with the scope of another repository.
func TestTokenPerScope(t *testing.T) {
	k := newTokens(t)
	k.issue = func(w http.ResponseWriter, r *http.Request) bool {
		return strings.Contains(strings.Join(r.Form["scope"], " "), "secret") && answers(403)(w, r)
	}
	c, _ := newClient(t, Options{})
	_, err := c.Lookup(context.Background(), k.host()+"/secret/app:it", amd64)
	wantFault(t, err, ErrDenied)
	if _, err := c.Lookup(context.Background(), k.ref("it"), amd64); err != nil {
		t.Error(err)
	}
}
