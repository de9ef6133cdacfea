//go:build openhands

package e2e

import (
	"cmp"
	"fmt"
	"html"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/rtbuild/rtbuild/internal/testenv"
	"github.com/rtbuild/rtbuild/llb"
)

// release is a published file. Its bytes are those of the digest, wherever they come from.
type release struct {
	project, file string
	digest        digest.Digest
}

// fetch returns the published file, below the cache of the tests. It downloads the file if the cache lacks it.
func (r release) fetch(t *testing.T, find func(*testing.T, release) string) string {
	t.Helper()
	file := filepath.Join(must(testenv.CacheDir())(t), "published", r.digest.Encoded(), r.file)
	err := testenv.Made(file, func(temp string) error {
		address := find(t, r)
		content := fetched(t, address)
		if got := r.digest.Algorithm().FromBytes(content); got != r.digest {
			return fmt.Errorf("%s has the digest %s, not %s", address, got, r.digest)
		}
		return os.WriteFile(temp, content, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// pythonIndex returns the address of the index that pip uses on this machine.
func pythonIndex() string {
	configured, _ := exec.Command("python3", "-m", "pip", "config", "get", "global.index-url").Output() // fails if it is not set, and without pip
	return strings.TrimSuffix(cmp.Or(os.Getenv("PIP_INDEX_URL"), strings.TrimSpace(string(configured)), llb.PyPI+"/simple"), "/")
}

var indexLink = regexp.MustCompile(`<a\s[^>]*href="([^"]+)"`)

// onIndex returns the address of a file of a project, from the project's page on the simple index (PEP 503).
func onIndex(t *testing.T, r release) string {
	t.Helper()
	page := pythonIndex() + "/" + r.project + "/"
	base := must(url.Parse(page))(t)
	for _, link := range indexLink.FindAllSubmatch(fetched(t, page), -1) {
		address := must(base.Parse(html.UnescapeString(string(link[1]))))(t)
		if path.Base(address.Path) == r.file {
			address.Fragment = ""
			return address.String()
		}
	}
	t.Fatalf("%s has no file %s", page, r.file)
	return ""
}
