package main

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/session/auth"
	"github.com/moby/buildkit/session/auth/authprovider"
	"github.com/opencontainers/go-digest"

	"github.com/rtbuild/rtbuild/internal/solve"
	"github.com/rtbuild/rtbuild/internal/trust"
	rtllb "github.com/rtbuild/rtbuild/llb"
	"github.com/rtbuild/rtbuild/tags"
)

// TestBuilderLoginsByOrganisation asks the session as BuildKit does: for a token with its scopes, for a password with the host alone.
func TestBuilderLoginsByOrganisation(t *testing.T) {
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
		logins, err := trust.ReadLogins(nil)
		if err != nil {
			t.Fatal(err)
		}
		f := &buildFlags{logins: logins}
		f.publishTo("h:7/org2/app")
		provider := builderLogins(logins)
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
		server := authprovider.NewDockerAuthProvider(authprovider.DockerAuthProviderConfig{AuthConfigProvider: provider}).(auth.AuthServer)
		token, err := server.FetchToken(t.Context(), &auth.FetchTokenRequest{Host: "h:6", Scopes: []string{"repository:a/b:pull"}})
		if err != nil || token.Token != "bearer" {
			t.Errorf("got %v, %v", token, err)
		}
	}
}

// TestFetchWithoutChecksum: a tool whose checksum nobody knows is handed to the builder under the one that it turned out to have, and an
// error shows no token.
func TestFetchWithoutChecksum(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/editor" {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, "an editor")
	}))
	t.Cleanup(server.Close)
	d := &downloads{ctx: t.Context()}
	if err := d.open(solve.Installation{}); err != nil {
		t.Fatal(err)
	}
	state, err := d.fetch(rtllb.Download{Name: "editor", Title: "editor 1", URL: server.URL + "/editor?token=HUNTER2"})
	if err != nil {
		t.Fatal(err)
	}
	def, err := state.Marshal(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sum := digest.FromString("an editor").Encoded()
	graph := string(slices.Concat(def.Def...))
	if !strings.Contains(graph, `["`+sum+`"]`) || !strings.Contains(graph, "/"+sum+"/editor") {
		t.Errorf("the builder is told %q", graph)
	}
	t.Run("is what the builder gets", func(t *testing.T) {
		read := func() (string, error) {
			f, err := d.local.Open(sum + "/editor")
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			data, err := io.ReadAll(f)
			return string(data), err
		}
		if got, err := read(); got != "an editor" || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
		if err := os.WriteFile(filepath.Join(d.files.Dir(), sum, "editor"), []byte("an e-evil"), 0o600); err != nil {
			t.Fatal(err)
		}
		var changed *tags.ChangedError
		if got, err := read(); !errors.As(err, &changed) || changed.Path != sum+"/editor" {
			t.Errorf("got %q, %v", got, err)
		}
	})
	_, err = d.fetch(rtllb.Download{Name: "editor", Title: "editor 1", URL: server.URL + "/none?token=HUNTER2"})
	if err == nil || err.Error() != "downloading editor 1 from "+server.URL+"/none: the server answered 404 Not Found" {
		t.Errorf("got %v", err)
	}
}
