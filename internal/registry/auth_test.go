package registry

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
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

func TestCredentialHelper(t *testing.T) {
	helper := "#!/bin/sh\nread host\necho \"$1 $host\" >>\"$0.log\"\n"
	tests := []struct {
		name, script string
		err          error
		warning      string
		text         string // in the error
	}{
		{name: "knows", script: `echo '{"Username":"me","Secret":"pw"}'`},
		{name: "knows a token", script: `echo '{"Username":"<token>","Secret":"identity"}'`},
		{name: "knows nothing", script: "echo credentials not found in native keychain; exit 1", err: ErrDenied},
		{name: "fails", script: "echo keychain is locked; exit 1", err: ErrDenied, warning: "keychain is locked",
			text: "no credentials found: the credential helper docker-credential-test failed for 127.0.0.1:"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("DOCKER_CONFIG", t.TempDir())
			bin := t.TempDir()
			file := write(t, helper+tt.script+"\n", bin, "docker-credential-test")
			t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
			k := newTokens(t)
			k.issue = func(w http.ResponseWriter, r *http.Request) bool {
				known := r.PostForm.Get("username") == "me" && r.PostForm.Get("password") == "pw" ||
					r.PostForm.Get("grant_type") == "refresh_token" && r.PostForm.Get("refresh_token") == "identity"
				return !known && answers(401)(w, r)
			}
			write(t, fmt.Sprintf(`{"credHelpers":{%q:"test"}}`, k.host()), os.Getenv("DOCKER_CONFIG"), "config.json")
			var warnings []string
			c, _ := newClient(t, Options{Warn: func(s string) { warnings = append(warnings, s) }})
			_, err := c.Lookup(context.Background(), k.ref("it"), amd64)
			if !errors.Is(err, tt.err) || err != nil && !strings.Contains(err.Error(), tt.text) {
				t.Errorf("error %v, want %v: %s", err, tt.err, tt.text)
			}
			if tt.warning == "" != (len(warnings) == 0) || tt.warning != "" && !strings.Contains(warnings[0], tt.warning) {
				t.Errorf("warnings %q", warnings)
			}
			if log, err := os.ReadFile(file + ".log"); err != nil || string(log) != "get "+k.host()+"\n" {
				t.Errorf("the helper was asked %q, %v", log, err)
			}
		})
	}
}

// TestLoginsByOrganisation has a registry with two organisations. Each has its own login, for both kinds of challenge.
func TestLoginsByOrganisation(t *testing.T) {
	for _, scheme := range []string{"Basic", "Bearer"} {
		t.Run(scheme, func(t *testing.T) {
			f := newFake(t)
			f.before = func(w http.ResponseWriter, r *http.Request) bool {
				user, password, _ := r.BasicAuth()
				if r.URL.Path == "/token" {
					_ = r.ParseForm()
					if r.Method == http.MethodPost {
						user = r.PostForm.Get("username")
					}
					_, _ = fmt.Fprintf(w, `{"token":%[1]q,"access_token":%[1]q}`, "for-"+user)
					return true
				}
				org := strings.Split(r.URL.Path, "/")[2]
				if scheme == "Basic" && user == "bot-"+org && password == "pw" || r.Header.Get("Authorization") == "Bearer for-bot-"+org {
					refuse(w, http.StatusNotFound, "MANIFEST_UNKNOWN", "not yet")
					return true
				}
				w.Header().Set("WWW-Authenticate", fmt.Sprintf(`%s realm="%s/token",service="test"`, scheme, f.URL))
				refuse(w, http.StatusUnauthorized, "UNAUTHORIZED", "that account does not belong to "+org)
				return true
			}
			f.Start()
			t.Setenv("DOCKER_CONFIG", t.TempDir())
			entry := func(user string) string { return base64.StdEncoding.EncodeToString([]byte(user + ":pw")) }
			write(t, fmt.Sprintf(`{"auths":{"%[1]s/org1":{"auth":%[2]q},"%[1]s/org2":{"auth":%[3]q}}}`, f.host(), entry("bot-org1"), entry("bot-org2")),
				os.Getenv("DOCKER_CONFIG"), "config.json")
			for range 8 {
				c, _ := newClient(t, Options{})
				for _, org := range []string{"org1", "org2"} {
					_, err := c.Lookup(context.Background(), f.host()+"/"+org+"/app:it", amd64)
					wantFault(t, err, ErrAbsent)
				}
				_, err := c.Lookup(context.Background(), f.host()+"/org3/app:it", amd64)
				wantFault(t, err, ErrDenied)
			}
		})
	}
}

// TestRegistryToken: the client sends a registry token as it is, and tries nothing else if the registry refuses it.
func TestRegistryToken(t *testing.T) {
	for token, want := range map[string]error{"good": nil, "old": ErrDenied} {
		t.Run(token, func(t *testing.T) {
			k := newTokens(t)
			k.valid = "good"
			t.Setenv("DOCKER_CONFIG", t.TempDir())
			write(t, fmt.Sprintf(`{"auths":{%q:{"registrytoken":%q}}}`, k.host(), token), os.Getenv("DOCKER_CONFIG"), "config.json")
			c, _ := newClient(t, Options{})
			for range 2 {
				if _, err := c.Lookup(context.Background(), k.ref("it"), amd64); !errors.Is(err, want) {
					t.Errorf("got %v, want %v", err, want)
				}
			}
			if k.count("GET /token")+k.count("POST /token") != 0 {
				t.Errorf("a token was fetched: %v", k.asked())
			}
		})
	}
}

// TestSlowHelper: a credential helper ends with the command, and its time does not count against the registry's timeout.
func TestSlowHelper(t *testing.T) {
	bin := t.TempDir()
	log := write(t, "#!/bin/sh\necho started >>\"$0.log\"\nexec sleep 300\n", bin, "docker-credential-waits") + ".log"
	slow := write(t, "#!/bin/sh\nsleep 1\necho '{\"Username\":\"me\",\"Secret\":\"pw\"}'\n", bin, "docker-credential-slow")
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	k := newTokens(t)
	k.issue = issueToMe
	t.Run("the command ends", func(t *testing.T) {
		t.Setenv("DOCKER_CONFIG", t.TempDir())
		write(t, `{"credsStore":"waits"}`, os.Getenv("DOCKER_CONFIG"), "config.json")
		c, _ := newClient(t, Options{})
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			for {
				if data, _ := os.ReadFile(log); len(data) > 0 {
					cancel()
					return
				}
				runtime.Gosched()
			}
		}()
		if _, err := c.Lookup(ctx, k.ref("it"), amd64); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
	t.Run(filepath.Base(slow), func(t *testing.T) {
		t.Setenv("DOCKER_CONFIG", t.TempDir())
		write(t, `{"credsStore":"slow"}`, os.Getenv("DOCKER_CONFIG"), "config.json")
		c, _ := newClient(t, Options{Timeout: 500 * time.Millisecond})
		for _, a := range c.LookupAll(t.Context(), []string{k.ref("it"), k.ref("it"), k.ref("it")}, amd64) {
			if a.Err != nil {
				t.Error(a.Err)
			}
		}
	})
}

func TestDockerHubCredentials(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	logIn(t, "https://index.docker.io/v1/", "me", "pw")
	c, _ := newClient(t, Options{})
	me := login{user: "me", secret: "pw"}
	for host, want := range map[string]login{"docker.io": me, "registry-1.docker.io": me, "ghcr.io": {}} {
		if got := c.login(t.Context(), host, "library/debian"); got != want {
			t.Errorf("%s: %v", host, got)
		}
	}
	hosts, err := c.hostsOf("docker.io")
	if err != nil || len(hosts) != 1 || hosts[0].loginName() != "docker.io" || hosts[0].login(t.Context(), "library/debian") != me {
		t.Errorf("hosts %v, %v", hosts, err)
	}
}

func TestNewRefuses(t *testing.T) {
	dir := t.TempDir()
	broken := write(t, "no pem", dir, "ca.pem")
	tests := []struct {
		name, text string
		opt        Options
		docker     string
	}{
		{name: "no such configuration", opt: Options{ConfigDir: dir + "/none"}, text: "reading the registry configuration"},
		{name: "no such bundle", opt: Options{CAFile: dir + "/none"}, text: "reading the certificate authorities"},
		{name: "a bundle that is none", opt: Options{CAFile: broken}, text: broken + " holds no PEM certificate"},
		{name: "a broken Docker config", docker: "{", text: "config.json"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("DOCKER_CONFIG", t.TempDir())
			if tt.docker != "" {
				write(t, tt.docker, os.Getenv("DOCKER_CONFIG"), "config.json")
			}
			if _, err := New(tt.opt); err == nil || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("got %v, want %q", err, tt.text)
			}
		})
	}
}

func TestNoHome(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", "")
	t.Setenv("HOME", "")
	c, err := New(Options{})
	if err != nil || !c.login(t.Context(), "ghcr.io", "a/b").isAnonymous() {
		t.Error(err)
	}
}

// TestLoginOption: Options.Login goes before the Docker config file, and only its host receives it.
func TestLoginOption(t *testing.T) {
	var seen [2]string
	fakes := [2]*fake{newFake(t), newFake(t)}
	for i, f := range fakes {
		f.before = func(w http.ResponseWriter, r *http.Request) bool {
			_, password, ok := r.BasicAuth()
			if !ok {
				w.Header().Set("WWW-Authenticate", `Basic realm="it"`)
				w.WriteHeader(http.StatusUnauthorized)
				return true
			}
			seen[i] = password
			return false
		}
		f.Start()
		f.image(amd64, "it")
	}
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	for _, f := range fakes {
		logIn(t, f.host(), "me", "of the file")
	}
	c, _ := newClient(t, Options{Login: func(host string) (string, string) {
		if host == fakes[0].host() {
			return "rtbuild", "given"
		}
		return "", ""
	}})
	for _, f := range fakes {
		if _, err := c.Lookup(context.Background(), f.host()+"/"+repo+":it", amd64); err != nil {
			t.Error(err)
		}
	}
	if seen != [2]string{"given", "of the file"} {
		t.Errorf("saw %q", seen)
	}
}
