package trust

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	sessionauth "github.com/moby/buildkit/session/auth"
	"github.com/moby/buildkit/session/auth/authprovider"
)

// TestForBuilder sends the requests of BuildKit: for a token with scopes, and for a password without.
func TestForBuilder(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("DOCKER_CONFIG", dir)
	t.Setenv("DOCKER_AUTH_CONFIG", "")
	entry := func(user string) string { return base64.StdEncoding.EncodeToString([]byte(user + ":pw")) }
	config := fmt.Sprintf(`{"auths":{"h:5/org1":{"auth":%q},"h:5/org2":{"auth":%q},"h:6":{"registrytoken":"bearer"},"h:7/org1":{"auth":%q},"h:7/org2":{"auth":%q}}}`,
		entry("one"), entry("two"), entry("one"), entry("two"))
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 8 {
		logins, err := ReadLogins(nil)
		if err != nil {
			t.Fatal(err)
		}
		logins.Expect("h:7", "org2/app")
		provider := logins.ForBuilder()
		for _, tt := range []struct {
			host   string
			scopes []string
			want   string
		}{
			{host: "h:5", scopes: []string{"repository:org1/app:pull"}, want: "one"},
			{host: "h:5", scopes: []string{"repository:org2/app:pull,push"}, want: "two"},
			{host: "h:5", scopes: []string{"repository:org1/base:pull", "repository:org2/app:pull,push"}, want: "two"},
			{host: "h:5", scopes: []string{"repository:org3/app:pull"}},
			{host: "h:7", want: "two"},
			{host: "h:8"},
		} {
			got, err := provider(t.Context(), tt.host, tt.scopes, nil)
			if err != nil || got.Username != tt.want {
				t.Errorf("%s %v: got %q, %v; want %q", tt.host, tt.scopes, got.Username, err, tt.want)
			}
		}
		server := authprovider.NewDockerAuthProvider(authprovider.DockerAuthProviderConfig{AuthConfigProvider: provider}).(sessionauth.AuthServer)
		token, err := server.FetchToken(t.Context(), &sessionauth.FetchTokenRequest{Host: "h:6", Scopes: []string{"repository:a/b:pull"}})
		if err != nil || token.Token != "bearer" {
			t.Errorf("got %v, %v", token, err)
		}
	}
}
