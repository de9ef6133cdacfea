// Package releases gives tests and the benchmark real input: files that were published, by name and digest, and what they make
// together, OpenHands 0.62.0 as a project with the real uv and a real Chromium. Nothing of it is in the repository. Files come from the
// index and the registry that pip and npm use on this machine, and are kept in the cache of the tests.
package releases

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/opencontainers/go-digest"

	"github.com/rtbuild/rtbuild/internal/testenv"
	"github.com/rtbuild/rtbuild/internal/testmirror"
	"github.com/rtbuild/rtbuild/llb"
)

// file is a published file of a project. Its bytes are those of the digest, wherever they come from.
type file struct {
	project, name string
	digest        digest.Digest
	find          func(context.Context, file) (address string, err error)
}

// path returns where a file of a name is kept: beside the published file.
func (f file) path(name string) (string, error) {
	cache, err := testenv.CacheDir()
	return filepath.Join(cache, "published", f.digest.Encoded(), name), err
}

// get returns the path of the file. It downloads what the cache lacks.
func (f file) get(ctx context.Context) (string, error) {
	name, err := f.path(f.name)
	if err != nil {
		return "", err
	}
	return name, testenv.Made(name, func(temp string) error {
		address, err := f.find(ctx, f)
		if err != nil {
			return err
		}
		content, err := testmirror.Fetch(ctx, address, "")
		if err != nil {
			return err
		}
		if got := f.digest.Algorithm().FromBytes(content); got != f.digest {
			return fmt.Errorf("%s has the digest %s, not %s", address, got, f.digest)
		}
		return os.WriteFile(temp, content, 0o644)
	})
}

// Index returns the address of the index that pip uses on this machine, without a slash at the end.
func Index(ctx context.Context) string {
	configured, _ := exec.CommandContext(ctx, "python3", "-m", "pip", "config", "get", "global.index-url").Output() // fails if it is not set, and without pip
	return strings.TrimSuffix(cmp.Or(os.Getenv("PIP_INDEX_URL"), strings.TrimSpace(string(configured)), llb.PyPI+"/simple"), "/")
}

// Link is a file on a project's page.
type Link struct {
	Name, Address string
	SHA256        string // in hexadecimal; empty if the page does not say it
}

var anchor = regexp.MustCompile(`<a\s[^>]*href="([^"]+)"`)

// Links returns the files of a project, from its page on the simple index (PEP 503).
func Links(ctx context.Context, project string) ([]Link, error) {
	page := Index(ctx) + "/" + project + "/"
	base, err := url.Parse(page)
	if err != nil {
		return nil, err
	}
	body, err := testmirror.Fetch(ctx, page, "")
	if err != nil {
		return nil, err
	}
	var links []Link
	for _, match := range anchor.FindAllSubmatch(body, -1) {
		address, err := base.Parse(html.UnescapeString(string(match[1])))
		if err != nil {
			return nil, err
		}
		sum, _ := strings.CutPrefix(address.Fragment, "sha256=")
		address.Fragment = ""
		links = append(links, Link{path.Base(address.Path), address.String(), sum})
	}
	return links, nil
}

// onIndex returns the address of a file of a project on PyPI.
func onIndex(ctx context.Context, f file) (string, error) {
	links, err := Links(ctx, f.project)
	if err != nil {
		return "", err
	}
	for _, link := range links {
		if link.Name == f.name {
			return link.Address, nil
		}
	}
	return "", fmt.Errorf("the index has no file %s of %s", f.name, f.project)
}

// onRegistry returns the address of a file of a package on the registry that npm uses on this machine.
func onRegistry(ctx context.Context, f file) (string, error) {
	configured, _ := exec.CommandContext(ctx, "npm", "config", "get", "registry").Output() // fails without npm
	registry := cmp.Or(os.Getenv("NPM_CONFIG_REGISTRY"), strings.TrimSpace(string(configured)), llb.Sites()["npm"].Addresses[0])
	body, err := testmirror.Fetch(ctx, strings.TrimSuffix(registry, "/")+"/"+f.project, "")
	if err != nil {
		return "", err
	}
	var about struct {
		Versions map[string]struct{ Dist struct{ Tarball string } }
	}
	if err := json.Unmarshal(body, &about); err != nil {
		return "", err
	}
	for _, version := range about.Versions {
		if strings.HasSuffix(version.Dist.Tarball, "/"+f.name) {
			return version.Dist.Tarball, nil
		}
	}
	return "", fmt.Errorf("%s has no %s of %s", registry, f.name, f.project)
}
