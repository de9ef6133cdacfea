package e2e

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path"
	"regexp"
	"runtime"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/rtbuild/rtbuild/internal/profile"
	"github.com/rtbuild/rtbuild/llb"
)

// realUV serves the real uv from its wheel, packed like its releases. It returns the lines of a runtime file for it.
func realUV(t *testing.T) string {
	t.Helper()
	release, _ := (&profile.Runtime{}).Release("uv", "")
	machine := map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[runtime.GOARCH]
	link := regexp.MustCompile(`href="([^"#]*/uv-` + regexp.QuoteMeta(release.Version) + `-py3-none-manylinux_2_17_` + machine + `[^"#]*\.whl)`)
	page := fetched(t, llb.PyPI+"/simple/uv/")
	at := link.FindSubmatch(page)
	if at == nil {
		t.Fatalf("the index has no wheel of uv %s for %s", release.Version, machine)
	}
	archive := repack(t, fetched(t, string(at[1])), "uv-"+machine+"-unknown-linux-gnu/uv")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(archive) }))
	t.Cleanup(server.Close)
	return fmt.Sprintf("network: {mirrors: {'https://github.com/astral-sh': '%s'}}\ntools: [{name: uv, version: %s, sha256: {%s: %s}}]\n",
		server.URL, release.Version, runtime.GOARCH, digest.FromBytes(archive).Encoded())
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

// repack returns a gzipped tar archive with one program of a wheel.
func repack(t *testing.T, wheel []byte, name string) []byte {
	t.Helper()
	files := must(zip.NewReader(bytes.NewReader(wheel), int64(len(wheel))))(t)
	var packed bytes.Buffer
	zipped := gzip.NewWriter(&packed)
	archive := tar.NewWriter(zipped)
	for _, f := range files.File {
		if path.Base(f.Name) != path.Base(name) {
			continue
		}
		content := must(f.Open())(t)
		program := must(io.ReadAll(content))(t)
		must(0, archive.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o755, Size: int64(len(program))}))(t)
		must(archive.Write(program))(t)
	}
	must(0, archive.Close())(t)
	must(0, zipped.Close())(t)
	return packed.Bytes()
}
