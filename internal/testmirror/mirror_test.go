package testmirror

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// entries returns the names in a compressed tar archive, and their modes.
func entries(t *testing.T, data []byte) map[string]int64 {
	t.Helper()
	plain, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]int64{}
	for archive := tar.NewReader(plain); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return names
		}
		if err != nil {
			t.Fatal(err)
		}
		names[header.Name] = header.Mode
	}
}

func TestReleases(t *testing.T) {
	const editor = "https://github.com/gitpod-io/openvscode-server/releases/download/openvscode-server-v1.98.2/openvscode-server-v1.98.2-linux-"
	for address, programs := range map[string][]string{
		"https://github.com/astral-sh/uv/releases/download/0.8.3/uv-x86_64-unknown-linux-gnu.tar.gz":  {"uv-x86_64-unknown-linux-gnu/uv", "uv-x86_64-unknown-linux-gnu/uvx"},
		"https://github.com/astral-sh/uv/releases/download/0.8.3/uv-aarch64-unknown-linux-gnu.tar.gz": {"uv-aarch64-unknown-linux-gnu/uv", "uv-aarch64-unknown-linux-gnu/uvx"},
		editor + "x64.tar.gz":   {"openvscode-server-v1.98.2-linux-x64/bin/openvscode-server", "openvscode-server-v1.98.2-linux-x64/node"},
		editor + "arm64.tar.gz": {"openvscode-server-v1.98.2-linux-arm64/bin/remote-cli/openvscode-server"},
		editor + "armhf.tar.gz": {"openvscode-server-v1.98.2-linux-armhf/node"},
	} {
		resp, data := get(t, shared, address)
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %s\n%s", address, resp.Status, data)
			continue
		}
		if got := shared.SHA256(address); got != digest(data) {
			t.Errorf("%s: SHA-256 %s, told %s", address, digest(data), got)
		}
		names := entries(t, data)
		for _, program := range programs {
			if names[program] != 0o755 {
				t.Errorf("%s: %s has mode %o", address, program, names[program])
			}
		}
		if strings.HasPrefix(address, editor) {
			top := strings.TrimSuffix(address[strings.LastIndex(address, "/")+1:], ".tar.gz")
			for _, extension := range []string{"handlebars", "pug", "json", "diff", "grunt", "ini", "npm", "python", "git-base"} {
				if _, ok := names[top+"/extensions/"+extension+"/package.json"]; !ok {
					t.Errorf("%s: no extension %s", address, extension)
				}
			}
		}
	}
}

func TestReleasesAreReproducible(t *testing.T) {
	const address = "https://github.com/mamba-org/micromamba-releases/releases/download/2.3.3-0/micromamba-linux-64"
	first := shared.SHA256(address)
	if second := start(t).SHA256(address); first != second || len(first) != 64 {
		t.Errorf("digests %s and %s", first, second)
	}
	if other := shared.SHA256(strings.Replace(address, "2.3.3", "2.3.2", 1)); other == first {
		t.Error("another version has the same digest")
	}
	resp, data := get(t, shared, address, "Range", "bytes=0-3")
	if resp.StatusCode != http.StatusPartialContent || string(data) != "\x7fELF" {
		t.Errorf("a part: %s, %q", resp.Status, data)
	}
}

func TestIndex(t *testing.T) {
	for address, location := range map[string]string{
		"https://pypi.org/simple/packaging":   "/pypi/simple/packaging/",
		"https://pypi.org/simple/PlayWright/": "/pypi/simple/playwright/",
	} {
		if resp, _ := get(t, shared, address); resp.StatusCode != http.StatusMovedPermanently || resp.Header.Get("Location") != location {
			t.Errorf("%s: %s to %q", address, resp.Status, resp.Header.Get("Location"))
		}
	}
	_, page := get(t, shared, "https://pypi.org/simple/packaging/", "Accept", "text/html")
	contains(t, "the page", string(page), `data-requires-python="&gt;=3.`, "#sha256=", "../../../files/packages/")
	_, list := get(t, shared, "https://pypi.org/simple/")
	contains(t, "the list", string(list), `<a href="packaging/">`, `<a href="pip/">`, `<a href="playwright/">`, `<a href="setuptools/">`, `<a href="wheel/">`)

	resp, data := get(t, shared, "https://pypi.org/simple/packaging/", "Accept", simpleJSON+", text/html;q=0.1")
	var answer struct {
		Name  string
		Files []struct {
			URL    string
			Hashes map[string]string
		}
	}
	if err := json.Unmarshal(data, &answer); err != nil || resp.Header.Get("Content-Type") != simpleJSON {
		t.Fatalf("as JSON: %s, %v:\n%s", resp.Header.Get("Content-Type"), err, data)
	}
	for _, f := range answer.Files {
		at, err := resp.Request.URL.Parse(f.URL)
		if err != nil {
			t.Fatal(err)
		}
		address := "https://files.pythonhosted.org" + strings.TrimPrefix(at.Path, "/files")
		_, wheel := get(t, shared, address)
		if want := f.Hashes["sha256"]; digest(wheel) != want || shared.SHA256(address) != want {
			t.Errorf("%s: SHA-256 %s and %s, the index says %s", address, digest(wheel), shared.SHA256(address), want)
		}
		if _, metadata := get(t, shared, address+".metadata"); !strings.Contains(string(metadata), "\nName: packaging\n") {
			t.Errorf("metadata of %s:\n%s", address, metadata)
		}
	}
}

func TestFaults(t *testing.T) {
	m := start(t)
	var want []string
	for _, address := range []string{
		"https://github.com/astral-sh/uv/releases/download/latest/uv-x86_64-unknown-linux-gnu.tar.gz",
		"https://github.com/gitpod-io/openvscode-server/releases/download/openvscode-server-v1.98.2/openvscode-server-v1.98.1-linux-x64.tar.gz",
		"https://github.com/astral-sh/uv/releases/download/0.8.3/uv-x86_64-unknown-linux-gnu.tar.gz?raw=1",
		"https://conda.anaconda.org/bioconda/noarch/repodata.json",
		"https://conda.anaconda.org/conda-forge/../../../etc/passwd",
		"https://pypi.org/pypi/packaging/json",
		"https://pypi.org/simple/requests/",
		"https://files.pythonhosted.org/packages/packaging.whl",
		"https://cdn.playwright.dev/builds/firefox/1466/firefox-ubuntu-24.04.zip",
		"https://download.docker.com/linux/fedora/gpg",
		"https://download.docker.com/linux/debian/dists/sid/InRelease",
	} {
		resp, body := get(t, m, address)
		if resp.StatusCode != http.StatusNotFound || !strings.Contains(string(body), "stand-in") {
			t.Errorf("%s: %s\n%s", address, resp.Status, body)
		}
		want = append(want, strings.TrimPrefix(at(m, address), m.URL))
		if got := m.SHA256(address); !strings.HasPrefix(got, "no digest of "+address) && !strings.Contains(address, "?") {
			t.Errorf("digest of %s: %s", address, got)
		}
	}
	if resp, err := http.Post(m.URL+"/pypi/simple/", "text/plain", nil); err != nil || resp.StatusCode != http.StatusNotFound {
		t.Errorf("POST: %v, %v", resp, err)
	}
	want = append(want, "/pypi/simple/")
	faults := m.Faults()
	if len(faults) != len(want) {
		t.Fatalf("%d faults, want %d:\n%s", len(faults), len(want), strings.Join(faults, "\n"))
	}
	for i, path := range want {
		if _, rest, _ := strings.Cut(faults[i], " "); !strings.HasPrefix(rest, path+": ") {
			t.Errorf("fault %q is not of %s", faults[i], path)
		}
	}
	if got := m.SHA256("https://example.com/x"); !strings.Contains(got, "no stand-in") {
		t.Errorf("digest of another site's file: %s", got)
	}
}

func TestFaultFunction(t *testing.T) {
	m := start(t)
	m.Fault(func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasPrefix(r.URL.Path, "/pypi/") {
			return false
		}
		http.Error(w, "down", http.StatusBadGateway)
		return true
	})
	const page, key = "https://pypi.org/simple/pip/", "https://download.docker.com/linux/debian/gpg"
	get(t, m, page)
	get(t, m, key, "User-Agent", "curl/8")
	m.Fault(nil)
	get(t, m, page, "User-Agent", "", "Range", "bytes=0-1")
	want := []Request{
		{Site: "https://pypi.org", Method: "GET", Path: "/simple/pip/", Status: 502, UserAgent: "Go-http-client/1.1"},
		{Site: "https://download.docker.com", Method: "GET", Path: "/linux/debian/gpg", Status: 200, UserAgent: "curl/8"},
		{Site: "https://pypi.org", Method: "GET", Path: "/simple/pip/", Status: 206, Range: "bytes=0-1"},
	}
	if diff := cmp.Diff(want, m.Requests()); diff != "" {
		t.Error("requests (-want +got):", diff)
	}
	if faults := m.Faults(); len(faults) > 0 {
		t.Error("faults:", faults)
	}
}

func TestMirrors(t *testing.T) {
	mirrors := shared.Mirrors()
	if got := mirrors["https://github.com"]; got != shared.URL+"/github" {
		t.Errorf("github.com is at %q", got)
	}
	var folders []string
	for _, s := range sites {
		if slices.Contains(folders, s.folder) {
			t.Errorf("two sites in folder %s", s.folder)
		}
		folders = append(folders, s.folder)
	}
	if len(mirrors) != len(sites) {
		t.Errorf("%d mirrors of %d sites", len(mirrors), len(sites))
	}
}
