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
	"testing"
	"time"
)

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
