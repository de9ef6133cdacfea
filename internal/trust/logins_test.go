package trust

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/docker/cli/cli/config/types"
)

// auth returns an entry of the config file for a user.
func auth(user string) string {
	return fmt.Sprintf(`{"auth":%q}`, base64.StdEncoding.EncodeToString([]byte(user+":pw")))
}

// loginsOf writes a config file and reads it. It returns the warnings, too.
func loginsOf(t *testing.T, text string) (*Logins, *[]string) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("DOCKER_CONFIG", dir)
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var warnings []string
	l, err := ReadLogins(func(s string) { warnings = append(warnings, s) })
	if err != nil {
		t.Fatal(err)
	}
	return l, &warnings
}

// helperProgram adds a credential helper to PATH. It returns the file in which the helper logs its requests.
func helperProgram(t *testing.T, name, script string) string {
	t.Helper()
	bin := t.TempDir()
	file := filepath.Join(bin, "docker-credential-"+name)
	if err := os.WriteFile(file, []byte("#!/bin/sh\nread host\necho \"$1 $host\" >>\"$0.log\"\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	return file + ".log"
}

// TestLongestPathDecides: the credentials depend on the repository, and are the same each time.
func TestLongestPathDecides(t *testing.T) {
	const twoOrgs = `"h:5/org1":%s,"h:5/org2":%s`
	for _, tt := range []struct {
		name, auths, env, host, repository, expect, want string
	}{
		{name: "nothing", host: "h:5", repository: "org1/app"},
		{name: "the host's", auths: `"h:5":` + auth("all"), host: "h:5", repository: "org1/app", want: "all"},
		{name: "another host's", auths: `"h:6":` + auth("all"), host: "h:5", repository: "org1/app"},
		{name: "the first of two paths", auths: fmt.Sprintf(twoOrgs, auth("one"), auth("two")), host: "h:5", repository: "org1/app", want: "one"},
		{name: "the second of two paths", auths: fmt.Sprintf(twoOrgs, auth("one"), auth("two")), host: "h:5", repository: "org2/app", want: "two"},
		{name: "neither path", auths: fmt.Sprintf(twoOrgs, auth("one"), auth("two")), host: "h:5", repository: "org3/app"},
		{name: "a path is no prefix of a name", auths: `"h:5/org":` + auth("one"), host: "h:5", repository: "org1/app"},
		{name: "the repository before its path", auths: `"h:5":` + auth("all") + `,"h:5/a":` + auth("a") + `,"h:5/a/b":` + auth("ab"), host: "h:5", repository: "a/b", want: "ab"},
		{name: "the path before the host", auths: `"h:5":` + auth("all") + `,"h:5/a":` + auth("a"), host: "h:5", repository: "a/b", want: "a"},
		{name: "an empty path is passed over", auths: `"h:5":` + auth("all") + `,"h:5/a":{}`, host: "h:5", repository: "a/b", want: "all"},
		{name: "an address of v1", auths: `"https://h:5/v1/":` + auth("all"), host: "h:5", repository: "a/b", want: "all"},
		{name: "an address of v2", auths: `"https://h:5/v2/":` + auth("all"), host: "h:5", repository: "a/b", want: "all"},
		{name: "an address without a path", auths: `"http://h:5":` + auth("all"), host: "h:5", repository: "a/b", want: "all"},
		{name: "v2 without a scheme", auths: `"h:5/v2/":` + auth("all"), host: "h:5", repository: "a/b", want: "all"},
		{name: "an organisation called v2", auths: `"h:5/v2":` + auth("v2"), host: "h:5", repository: "v2/b", want: "v2"},
		{name: "the plain name before the address", auths: `"https://h:5/v1/":` + auth("old") + `,"h:5":` + auth("new"), host: "h:5", repository: "a", want: "new"},
		{name: "a full address before an empty name", auths: `"https://h:5/v1/":` + auth("old") + `,"h:5":{}`, host: "h:5", repository: "a", want: "old"},
		{name: "an address with another path", auths: `"https://h:5/api/docker":` + auth("all"), host: "h:5", repository: "a", want: "all"},
		{name: "Docker Hub", auths: `"https://index.docker.io/v1/":` + auth("hub"), host: "docker.io", repository: "library/debian", want: "hub"},
		{name: "Docker Hub by its server", auths: `"https://index.docker.io/v1/":` + auth("hub"), host: "registry-1.docker.io", repository: "library/debian", want: "hub"},
		{name: "Docker Hub by its name", auths: `"docker.io":` + auth("hub"), host: "registry-1.docker.io", repository: "a/b", want: "hub"},
		{name: "a path of Docker Hub", auths: `"docker.io/team":` + auth("team") + `,"https://index.docker.io/v1/":` + auth("hub"), host: "registry-1.docker.io", repository: "team/b", want: "team"},
		{name: "no repository known, the host's", auths: `"h:5/a":` + auth("a") + `,"h:5":` + auth("all"), host: "h:5", want: "all"},
		{name: "no repository known, one path", auths: `"h:5/a":` + auth("a"), host: "h:5", want: "a"},
		{name: "no repository known, two paths", auths: fmt.Sprintf(twoOrgs, auth("one"), auth("two")), host: "h:5", want: "one"},
		{name: "a repository expected", auths: fmt.Sprintf(twoOrgs, auth("one"), auth("two")), host: "h:5", expect: "org2/app", want: "two"},
		{name: "a repository expected, the host's", auths: fmt.Sprintf(twoOrgs, auth("one"), auth("two")) + `,"h:5":` + auth("all"), host: "h:5", expect: "org3/app", want: "all"},
		{name: "the environment before the file", auths: `"h:5":` + auth("file"), env: `"h:5":` + auth("env"), host: "h:5", repository: "a", want: "env"},
		{name: "the file's path before the environment's host", auths: `"h:5/a":` + auth("file"), env: `"h:5":` + auth("env"), host: "h:5", repository: "a/b", want: "file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("DOCKER_AUTH_CONFIG", "")
			if tt.env != "" {
				t.Setenv("DOCKER_AUTH_CONFIG", `{"auths":{`+tt.env+`}}`)
			}
			for range 20 { // Go iterates over maps in random order
				l, _ := loginsOf(t, `{"auths":{`+tt.auths+`}}`)
				if tt.expect != "" {
					l.Expect(tt.host, tt.expect)
				}
				got, err := l.For(t.Context(), tt.host, tt.repository)
				if err != nil || got.Username != tt.want {
					t.Fatalf("got %q, %v; want %q", got.Username, err, tt.want)
				}
			}
		})
	}
}

// TestHelpers runs real programs, as docker's command line does.
func TestHelpers(t *testing.T) {
	const me, token = `echo '{"Username":"me","Secret":"pw"}'`, `echo '{"Username":"<token>","Secret":"identity"}'`
	for _, tt := range []struct {
		name, config, script, host, repository string
		want                                   types.AuthConfig
		asked, warning                         string
	}{
		{name: "of all hosts", config: `{"credsStore":"test"}`, script: me, host: "h:5", want: types.AuthConfig{Username: "me", Password: "pw"}, asked: "get h:5\n"},
		{name: "of one host", config: `{"credHelpers":{"h:5":"test"},"credsStore":"none"}`, script: me, host: "h:5", want: types.AuthConfig{Username: "me", Password: "pw"}, asked: "get h:5\n"},
		{name: "of another host", config: `{"credHelpers":{"h:6":"test"}}`, script: me, host: "h:5"},
		{name: "switched off for a host", config: `{"credHelpers":{"h:5":""},"credsStore":"test"}`, script: me, host: "h:5"},
		{name: "identity token", config: `{"credsStore":"test"}`, script: token, host: "h:5", want: types.AuthConfig{IdentityToken: "identity"}, asked: "get h:5\n"},
		{name: "Docker Hub", config: `{"credsStore":"test"}`, script: token, host: "registry-1.docker.io", want: types.AuthConfig{IdentityToken: "identity"}, asked: "get " + dockerHub + "\n"},
		{name: "a path goes before it", config: `{"credsStore":"test","auths":{"h:5/a":` + auth("a") + `}}`, script: me, host: "h:5", repository: "a/b", want: types.AuthConfig{Username: "a", Password: "pw"}},
		{name: "its entry in the file is not asked", config: `{"credsStore":"test","auths":{"h:5":` + auth("a") + `}}`, script: me, host: "h:5", want: types.AuthConfig{Username: "me", Password: "pw"}, asked: "get h:5\n"},
		{name: "a registry token in the file stays", config: `{"credsStore":"test","auths":{"h:5":{"registrytoken":"bearer"}}}`, script: `echo credentials not found in native keychain; exit 1`, host: "h:5", want: types.AuthConfig{RegistryToken: "bearer"}, asked: "get h:5\n"},
		{name: "it has no credentials", config: `{"credsStore":"test"}`, script: `echo credentials not found in native keychain; exit 1`, host: "h:5", asked: "get h:5\n"},
		{name: "it fails", config: `{"credsStore":"test"}`, script: `echo keychain is locked; exit 1`, host: "h:5", asked: "get h:5\n", warning: "docker-credential-test failed for h:5: error getting credentials - err: exit status 1, out: `keychain is locked`: try: echo h:5 | docker-credential-test get"},
		{name: "it is not there", config: `{"credsStore":"absent"}`, host: "h:5", warning: "docker-credential-absent failed for h:5: it is not in PATH"},
		{name: "invalid output", config: `{"credsStore":"test"}`, script: `echo hello`, host: "h:5", asked: "get h:5\n", warning: "docker-credential-test failed for h:5: invalid character"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			log := helperProgram(t, "test", tt.script)
			l, warnings := loginsOf(t, tt.config)
			for range 2 { // it runs once
				got, err := l.For(t.Context(), tt.host, tt.repository)
				got.ServerAddress = ""
				var fault *HelperError
				if errors.As(err, &fault) != (tt.warning != "") || got != tt.want {
					t.Errorf("got %+v, %v; want %+v", got, err, tt.want)
				}
			}
			if asked, _ := os.ReadFile(log); string(asked) != tt.asked {
				t.Errorf("the helper was asked %q, want %q", asked, tt.asked)
			}
			if all := strings.Join(*warnings, "\n"); !strings.Contains(all, tt.warning) || len(*warnings) > 1 || tt.warning == "" && all != "" {
				t.Errorf("warnings %q, want %q", all, tt.warning)
			}
		})
	}
}

// TestHelperThatHangs: a helper that hangs fails after the timeout, and does not run again. It ends with the command.
func TestHelperThatHangs(t *testing.T) {
	log := helperProgram(t, "waits", "exec sleep 300")
	t.Run("it times out", func(t *testing.T) {
		l, warnings := loginsOf(t, `{"credsStore":"waits"}`)
		if l.helperTimeout != 30*time.Second {
			t.Errorf("the timeout is %s", l.helperTimeout)
		}
		l.helperTimeout = 200 * time.Millisecond
		start := time.Now()
		for range 2 {
			_, err := l.For(t.Context(), "h:5", "a/b")
			if err == nil || !strings.Contains(err.Error(), "the credential helper docker-credential-waits failed for h:5: no response within 200ms") {
				t.Errorf("got %v", err)
			}
		}
		if took := time.Since(start); took > 20*time.Second || len(*warnings) != 1 {
			t.Errorf("took %s, warnings %q", took, *warnings)
		}
	})
	t.Run("its child keeps its output open", func(t *testing.T) {
		log := helperProgram(t, "forks", `sleep 300 2>&- & echo $! >"$0.log"; wait`)
		t.Cleanup(func() {
			data, _ := os.ReadFile(log)
			if pid, err := strconv.Atoi(strings.TrimSpace(string(data))); err == nil {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		})
		l, _ := loginsOf(t, `{"credsStore":"forks"}`)
		l.helperTimeout = 200 * time.Millisecond
		start := time.Now()
		if _, err := l.For(t.Context(), "h:5", "a/b"); err == nil || time.Since(start) > 20*time.Second {
			t.Errorf("got %v after %s", err, time.Since(start))
		}
	})
	t.Run("the command ends", func(t *testing.T) {
		if err := os.Remove(log); err != nil {
			t.Fatal(err)
		}
		l, warnings := loginsOf(t, `{"credsStore":"waits"}`)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 2)
		for range 2 { // one runs the helper, the other waits for it
			go func() {
				_, err := l.For(ctx, "h:5", "a/b")
				ended <- err
			}()
		}
		for runs(log) == 0 {
			runtime.Gosched()
		}
		cancel()
		for range 2 {
			if err := <-ended; !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
		}
		if len(*warnings) != 0 {
			t.Errorf("warnings %q", *warnings)
		}
	})
}

// runs returns how often a helper ran.
func runs(log string) int {
	data, _ := os.ReadFile(log)
	return strings.Count(string(data), "\n")
}

func TestReadLogins(t *testing.T) {
	for _, tt := range []struct{ name, config, env, want string }{
		{name: "broken file", config: "{", want: "reading the registries' credentials: "},
		{name: "broken environment", config: "{}", env: `{"auths":{"h":{"auth":"?"}}}`, want: "reading the registries' credentials of DOCKER_AUTH_CONFIG"},
		{name: "empty file", config: ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			t.Setenv("DOCKER_CONFIG", dir)
			t.Setenv("DOCKER_AUTH_CONFIG", tt.env)
			if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(tt.config), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := ReadLogins(nil)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	t.Run("no home", func(t *testing.T) {
		t.Setenv("DOCKER_CONFIG", "")
		t.Setenv("HOME", "")
		l, err := ReadLogins(nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := l.For(t.Context(), "ghcr.io", "a/b"); err != nil || !isEmpty(got) {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}
