package embedded

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// hostTests are Host headers, and whether a registry on port 5790 answers to them.
var hostTests = map[string]bool{
	"127.0.0.1:5790": true, "127.0.0.2:5790": true, "127.255.255.254:5790": true, "[::1]:5790": true, "localhost:5790": true, "LocalHost:5790": true,
	"": false, "127.0.0.1": false, "localhost": false, "127.0.0.1:5791": false, "localhost:": false, ":5790": false,
	"evil.example:5790": false, "localhost.evil.example:5790": false, "127.0.0.1.evil.example:5790": false, "evil.example": false,
	"10.0.0.1:5790": false, "0.0.0.0:5790": false, "[::]:5790": false, "[::2]:5790": false, "[::1%lo]:5790": false,
	"2130706433:5790": false, "127.1:5790": false, "0x7f.0.0.1:5790": false, "127.0.0.1:05790": false, "user@127.0.0.1:5790": false,
	"[::ffff:127.0.0.1]:5790": true, "[::ffff:10.0.0.1]:5790": false,
}

func TestOnlyLoopbackNamesAreAnswered(t *testing.T) {
	for host, want := range hostTests {
		if got := isLoopback(host, "5790"); got != want {
			t.Errorf("host %q: %t", host, got)
		}
	}
	for host, want := range map[string]bool{"127.0.0.1": true, "localhost": true, "[::1]": true, "127.0.0.1:80": true, "evil.example": false} {
		if got := isLoopback(host, "80"); got != want {
			t.Errorf("host %q at HTTP's own port: %t", host, got)
		}
	}
}

// guardTests are requests to a real private registry, and what they are answered.
var guardTests = []struct {
	name, method, path string
	host               string // header; the address if empty
	header             map[string]string
	as                 string // "" nobody, "owner", "wrong", "stranger", "bearer" with the token, "reader" with the token of nobody
	status             int
	challenge          string // a part of it
}{
	{name: "everybody reads", method: "GET", path: "/v2/_catalog", status: 200},
	{name: "by another name of loopback", method: "GET", path: "/v2/_catalog", host: "localhost:PORT", status: 200},
	{name: "what is not there is absent, not denied", method: "GET", path: "/v2/x/manifests/1", status: 404},
	{name: "a wrong password does not hinder reading", method: "HEAD", path: "/v2/x/manifests/1", as: "wrong", status: 404},
	{name: "who asks first is told where tokens are", method: "GET", path: "/v2/", status: 401, challenge: `Bearer realm="http://ADDRESS/token"`},
	{name: "nobody logs in", method: "GET", path: "/v2/", as: "reader", status: 200},
	{name: "the owner logs in", method: "GET", path: "/v2/", as: "owner", status: 200},
	{name: "with a bearer token", method: "GET", path: "/v2/", as: "bearer", status: 200},
	{name: "not with a wrong password", method: "GET", path: "/v2/", as: "wrong", status: 401, challenge: "Bearer"},

	{name: "nobody uploads", method: "POST", path: "/v2/x/blobs/uploads/", status: 401, challenge: "Basic"},
	{name: "nobody writes a tag", method: "PUT", path: "/v2/x/manifests/1", status: 401, challenge: "Basic"},
	{name: "nobody sends a part", method: "PATCH", path: "/v2/x/blobs/uploads/1", status: 401, challenge: "Basic"},
	{name: "nobody deletes", method: "DELETE", path: "/v2/x/manifests/1", status: 401, challenge: "Basic"},
	{name: "nor by a method that nobody knows", method: "BREW", path: "/v2/x/manifests/1", status: 401, challenge: "Basic"},
	{name: "nor with a wrong password", method: "POST", path: "/v2/x/blobs/uploads/", as: "wrong", status: 401, challenge: "Basic"},
	{name: "nor under another name", method: "POST", path: "/v2/x/blobs/uploads/", as: "stranger", status: 401, challenge: "Basic"},
	{name: "nor with the token of nobody", method: "POST", path: "/v2/x/blobs/uploads/", as: "reader", status: 401, challenge: "Basic"},
	{name: "the owner uploads", method: "POST", path: "/v2/x/blobs/uploads/", as: "owner", status: 202},
	{name: "also with a bearer token", method: "POST", path: "/v2/x/blobs/uploads/", as: "bearer", status: 202},

	{name: "another host is refused", method: "GET", path: "/v2/_catalog", host: "evil.example:PORT", status: 403},
	{name: "also to the owner", method: "POST", path: "/v2/x/blobs/uploads/", host: "evil.example:PORT", as: "owner", status: 403},
	{name: "another port is refused", method: "GET", path: "/v2/_catalog", host: "127.0.0.1:1", status: 403},
	{name: "a web page is refused", method: "GET", path: "/v2/_catalog", header: map[string]string{"Origin": "http://evil.example"}, status: 403},
	{name: "also one of this machine", method: "GET", path: "/v2/_catalog", header: map[string]string{"Origin": "http://localhost:3000"}, status: 403},
	{name: "also one that says nothing", method: "GET", path: "/v2/_catalog", header: map[string]string{"Origin": ""}, status: 403},
	{name: "also to the owner", method: "POST", path: "/v2/x/blobs/uploads/", header: map[string]string{"Origin": "null"}, as: "owner", status: 403},
	{name: "and before a web browser asks", method: "OPTIONS", path: "/v2/_catalog", header: map[string]string{"Origin": "null"}, status: 403},

	{name: "tokens are not given to another host", method: "GET", path: "/token", host: "evil.example:PORT", as: "owner", status: 403},
	{name: "nor for a wrong password", method: "GET", path: "/token", as: "wrong", status: 401},
	{name: "nor by POST", method: "POST", path: "/token", as: "owner", status: 405},
}

func TestGuard(t *testing.T) {
	ctx, s := newSite(t)
	lease := s.acquire(ctx, t)
	for _, test := range guardTests {
		t.Run(test.name, func(t *testing.T) {
			req := requestAs(ctx, t, lease, test.method, test.path, test.as)
			req.Host = strings.ReplaceAll(test.host, "PORT", strings.TrimPrefix(lease.Registry(), "127.0.0.1:"))
			for key, value := range test.header {
				req.Header[key] = []string{value}
			}
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			body, _ := io.ReadAll(res.Body)
			if res.StatusCode != test.status {
				t.Errorf("status %d, want %d: %s", res.StatusCode, test.status, body)
			}
			want := strings.ReplaceAll(test.challenge, "ADDRESS", lease.Registry())
			if got := res.Header.Get("WWW-Authenticate"); !strings.HasPrefix(got, want) || (got == "") != (want == "") {
				t.Errorf("challenge %q, want %q", got, want)
			}
			if strings.Contains(string(body), lease.hello.Token) {
				t.Errorf("the answer tells the token: %s", body)
			}
		})
	}
}

// requestAs returns a request with the credentials of a user.
func requestAs(ctx context.Context, t *testing.T, lease *Lease, method, path, as string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, "http://"+lease.Registry()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	user, password := lease.Login()
	switch as {
	case "owner":
		req.SetBasicAuth(user, password)
	case "wrong":
		req.SetBasicAuth(user, "x"+password)
	case "stranger":
		req.SetBasicAuth("root", password)
	case "bearer":
		req.Header.Set("Authorization", "Bearer "+password)
	case "reader":
		req.Header.Set("Authorization", "Bearer "+fetchToken(t, lease, "", ""))
	}
	return req
}

// fetchToken fetches a bearer token as Docker does.
func fetchToken(t *testing.T, lease *Lease, user, password string) string {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, "http://"+lease.Registry()+"/token?service=rtbuild&scope=repository:x:pull,push", nil)
	if err != nil {
		t.Fatal(err)
	}
	if user != "" {
		req.SetBasicAuth(user, password)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var answer struct{ Token string }
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil || answer.Token == "" {
		t.Fatalf("no token: %v", err)
	}
	return answer.Token
}

func TestTokenForPassword(t *testing.T) {
	ctx, s := newSite(t)
	lease := s.acquire(ctx, t)
	user, password := lease.Login()
	if got := fetchToken(t, lease, user, password); got != password {
		t.Error("the owner gets another token")
	}
	if got := fetchToken(t, lease, "", ""); got != anonymous {
		t.Error("nobody gets a token that is not nobody's")
	}
}

func TestTokenIsKeptSecret(t *testing.T) {
	ctx, s := newSite(t)
	lease := s.acquire(ctx, t)
	_, token := lease.Login()
	fi, err := os.Stat(s.home.tokenFile())
	if err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v, %v", fi, err)
	}
	res, err := http.DefaultClient.Do(requestAs(ctx, t, lease, http.MethodPost, "/v2/x/blobs/uploads/", "owner"))
	if err != nil || res.StatusCode != http.StatusAccepted {
		t.Fatalf("%+v, %v", res, err)
	}
	res.Body.Close()
	_ = lease.Close()
	s.waitStopped(ctx, t)
	for _, name := range []string{s.home.daemonLog(), s.home.registryLog()} {
		if text, err := os.ReadFile(name); err != nil || strings.Contains(string(text), token) {
			t.Errorf("%s shows the token, %v", name, err)
		}
	}
	if _, again := s.acquire(ctx, t).Login(); again != token {
		t.Error("the next day's token is another")
	}
}

func TestTokenPerHome(t *testing.T) {
	ctx, one := newSite(t)
	_, other := newSite(t)
	_, a := one.acquire(ctx, t).Login()
	_, b := other.acquire(ctx, t).Login()
	if a == b || len(a) < shortestToken {
		t.Errorf("tokens of %d and %d characters, the same: %t", len(a), len(b), a == b)
	}
}

// tokenTests are token files that are refused.
var tokenTests = []struct {
	name string
	make func(t *testing.T, file string) error
	err  string
}{
	{"others may read it", func(_ *testing.T, file string) error {
		return os.WriteFile(file, []byte(strings.Repeat("x", 30)), 0o640)
	}, "only this user can read"},
	{"it is empty", func(_ *testing.T, file string) error { return os.WriteFile(file, nil, 0o600) }, "contains no token"},
	{"it is short", func(_ *testing.T, file string) error { return os.WriteFile(file, []byte("short\n"), 0o600) }, "contains no token"},
	{"it is a link", func(t *testing.T, file string) error {
		other := filepath.Join(t.TempDir(), "other")
		if err := os.WriteFile(other, []byte(strings.Repeat("x", 30)), 0o600); err != nil {
			return err
		}
		return os.Symlink(other, file)
	}, "only this user can read"},
	{"it is a pipe", func(_ *testing.T, file string) error { return syscall.Mkfifo(file, 0o600) }, "only this user can read"},
	{"it is another user's", func(_ *testing.T, file string) error {
		if err := os.WriteFile(file, []byte(strings.Repeat("x", 30)), 0o600); err != nil {
			return err
		}
		return os.Chown(file, 65534, 65534)
	}, "only this user can read"},
}

func TestTokenFileOfOthersIsRefused(t *testing.T) {
	for _, test := range tokenTests {
		t.Run(test.name, func(t *testing.T) {
			h, err := newHome(Options{Dir: t.TempDir()})
			if err == nil {
				err = h.make()
			}
			if err == nil {
				err = test.make(t, h.tokenFile())
			}
			if errors.Is(err, os.ErrPermission) {
				t.Skip("only root can give files away")
			}
			if err != nil {
				t.Fatal(err)
			}
			if token, err := h.readToken(); err == nil || !strings.Contains(err.Error(), test.err) || !strings.Contains(err.Error(), h.tokenFile()) {
				t.Errorf("got %q, %v", token, err)
			}
		})
	}
}
