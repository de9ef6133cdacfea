package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/rtbuild/rtbuild/internal/profile"
	"github.com/rtbuild/rtbuild/internal/testmirror/releases"
)

// realUV serves the real uv. It returns the lines of a runtime file for it.
func realUV(t *testing.T) string {
	t.Helper()
	release, _ := (&profile.Runtime{}).Release("uv", "")
	archive := must(releases.UV(t.Context(), release.Version))(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(archive) }))
	t.Cleanup(server.Close)
	return fmt.Sprintf("network: {mirrors: {'https://github.com/astral-sh': '%s'}}\ntools: [{name: uv, version: %s, sha256: {%s: %s}}]\n",
		server.URL, release.Version, runtime.GOARCH, digest.FromBytes(archive).Encoded())
}
