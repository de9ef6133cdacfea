package e2e

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"runtime"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/rtbuild/rtbuild/internal/profile"
	"github.com/rtbuild/rtbuild/internal/testmirror"
	"github.com/rtbuild/rtbuild/llb"
)

// realUV serves the real uv. It returns the lines of a runtime file for it.
func realUV(t *testing.T) string {
	t.Helper()
	release, _ := (&profile.Runtime{}).Release("uv", "")
	archive := packedUV(t, release.Version)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(archive) }))
	t.Cleanup(server.Close)
	return fmt.Sprintf("network: {mirrors: {'https://github.com/astral-sh': '%s'}}\ntools: [{name: uv, version: %s, sha256: {%s: %s}}]\n",
		server.URL, release.Version, runtime.GOARCH, digest.FromBytes(archive).Encoded())
}

// packedUV returns the real uv from its wheel, packed like its releases.
func packedUV(t *testing.T, version string) []byte {
	t.Helper()
	machine := map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[runtime.GOARCH]
	link := regexp.MustCompile(`href="([^"#]*/uv-` + regexp.QuoteMeta(version) + `-py3-none-manylinux_2_17_` + machine + `[^"#]*\.whl)`)
	at := link.FindSubmatch(fetched(t, llb.PyPI+"/simple/uv/"))
	if at == nil {
		t.Fatalf("the index has no wheel of uv %s for %s", version, machine)
	}
	return must(testmirror.PackUV(fetched(t, string(at[1])), machine))(t)
}

func fetched(t *testing.T, url string) []byte {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body := must(io.ReadAll(res.Body))(t)
	if res.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %s", url, res.Status)
	}
	return body
}
