package testenv

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

func TestLogin(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "config.json")
	if err := os.WriteFile(file, []byte(`{"credsStore":"x","auths":{"other":{"auth":"dTpw"}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	r := startRegistry(t, WithPassword("u", "p"))
	if err := r.Login(dir); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"auths":{"` + r.Host + `":{"auth":"dTpw"},"other":{"auth":"dTpw"}},"credsStore":"x"}`; string(got) != want {
		t.Errorf("config.json is %s, want %s", got, want)
	}
}

func TestPrivateRegistry(t *testing.T) {
	ca, err := NewAuthority(filepath.Join(t.TempDir(), "ca.pem"), "private")
	if err != nil {
		t.Fatal(err)
	}
	for name, options := range map[string][]RegistryOption{
		"password":           {WithPassword("u", "p")},
		"password, with TLS": {WithTLS(ca), WithPassword("u", "p")},
		"token, with TLS":    {WithTLS(ca), WithToken("u", "p")},
	} {
		t.Run(name, func(t *testing.T) {
			r := startRegistry(t, options...)
			if _, err := r.PushProgram(t.Context(), "team/x", "1", program(t, "linux/amd64")); err != nil {
				t.Error("this package cannot push:", err)
			}
			manifest := r.url("/v2/team/x/manifests/1")
			if code, challenge := ask(t, r, manifest, "", ""); code != http.StatusUnauthorized || challenge == "" {
				t.Errorf("without credentials: %d, challenge %q", code, challenge)
			}
			if code, _ := ask(t, r, manifest, "u", "p"); (code == http.StatusOK) != (r.guard.tokens == false) {
				t.Errorf("with a password: %d", code)
			}
			if code, _ := ask(t, r, manifest, "u", "wrong"); code != http.StatusUnauthorized {
				t.Errorf("with a wrong password: %d", code)
			}
		})
	}
}

func TestToken(t *testing.T) {
	r := startRegistry(t, WithToken("u", "p"))
	if _, err := r.PushProgram(t.Context(), "team/x", "1", program(t, "linux/amd64")); err != nil {
		t.Fatal(err)
	}
	_, challenge := ask(t, r, r.url("/v2/team/x/manifests/1"), "", "")
	for _, part := range []string{`realm="` + r.url(tokenPath) + `"`, `scope="repository:team/x:pull"`} {
		if !strings.Contains(challenge, part) {
			t.Errorf("challenge is %s, want %s in it", challenge, part)
		}
	}
	tests := []struct {
		name, scope, path string
		want              int
	}{
		{"its repository", "repository:team/x:pull", "/v2/team/x/manifests/1", http.StatusOK},
		{"more actions", "repository:team/x:pull,push", "/v2/team/x/manifests/1", http.StatusOK},
		{"several scopes", "repository:a:pull repository:team/x:pull", "/v2/team/x/manifests/1", http.StatusOK},
		{"another repository", "repository:team/y:pull", "/v2/team/x/manifests/1", http.StatusUnauthorized},
		{"another action", "repository:team/x:push", "/v2/team/x/manifests/1", http.StatusUnauthorized},
		{"no scope, API's root", "", "/v2/", http.StatusOK},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			token := fetchToken(t, r, test.scope)
			if code, _ := ask(t, r, r.url(test.path), "", token); code != test.want {
				t.Errorf("got %d, want %d", code, test.want)
			}
		})
	}
}

// ask returns the status and the challenge of a GET. Without a user, password is a token.
func ask(t *testing.T, r *Registry, address, user, password string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", ocispecs.MediaTypeImageManifest)
	if user != "" {
		req.SetBasicAuth(user, password)
	} else if password != "" {
		req.Header.Set("Authorization", "Bearer "+password)
	}
	res, err := r.server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode, res.Header.Get("WWW-Authenticate")
}

func fetchToken(t *testing.T, r *Registry, scope string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.url(tokenPath)+"?scope="+url.QueryEscape(scope), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("u", "p")
	res, err := r.server.Client().Do(req)
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
