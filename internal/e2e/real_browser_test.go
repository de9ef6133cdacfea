//go:build openhands

package e2e

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rtbuild/rtbuild/internal/testenv"
	"github.com/rtbuild/rtbuild/internal/testmirror"
	"github.com/rtbuild/rtbuild/llb"
)

// chromiumPackage is a build of Chromium without a window, by its license of MIT and those of Chromium. Its version is that of
// Playwright's Chromium, up to the third number.
var chromiumPackage = release{
	project: "@sparticuz/chromium", file: "chromium-140.0.0.tgz",
	digest: "sha256:6b36e3ab1fa1d84787a5ae0615c4aae861ccaf4b6a8c8cbf93b40205e05cde18", // its sha512 is the registry's
}

// onRegistry returns the address of a file of a package on the registry that npm uses on this machine.
func onRegistry(t *testing.T, r release) string {
	t.Helper()
	configured, _ := exec.Command("npm", "config", "get", "registry").Output() // fails without npm
	registry := cmp.Or(os.Getenv("NPM_CONFIG_REGISTRY"), strings.TrimSpace(string(configured)), llb.Sites()["npm"].Addresses[0])
	var about struct {
		Versions map[string]struct{ Dist struct{ Tarball string } }
	}
	must(0, json.Unmarshal(fetched(t, strings.TrimSuffix(registry, "/")+"/"+r.project), &about))(t)
	for _, version := range about.Versions {
		if strings.HasSuffix(version.Dist.Tarball, "/"+r.file) {
			return version.Dist.Tarball
		}
	}
	t.Fatalf("%s has no %s of %s", registry, r.file, r.project)
	return ""
}

// unbrotli decompresses the parts of Chromium's package, by Node.js, which knows brotli.
const unbrotli = `const fs = require("fs"), zlib = require("zlib"), [from, to] = process.argv.slice(1);
for (const name of ["chromium", "swiftshader.tar"]) fs.writeFileSync(to + "/" + name, zlib.brotliDecompressSync(fs.readFileSync(from + "/" + name + ".br")));`

var downloadURL = regexp.MustCompile(`Download url: +(https://\S+)`)

// browsers returns the archives that Playwright fetches for Chromium, by address. Chromium is real; ffmpeg, which records videos, is
// a script that calls the image's own.
func (p playwright) browsers(t *testing.T) map[string]string {
	t.Helper()
	said := p.node(t, []string{
		"PLAYWRIGHT_HOST_PLATFORM_OVERRIDE=debian13-x64", "PLAYWRIGHT_DOWNLOAD_HOST=https://cdn.playwright.dev/dbazure/download/playwright",
	}, "cli.js", "install", "--dry-run", "chromium")
	files := map[string]string{}
	for _, match := range downloadURL.FindAllStringSubmatch(said, -1) {
		files[match[1]] = p.archive(t, match[1])
	}
	if len(files) != 3 {
		t.Errorf("Playwright wants %d archives:\n%s", len(files), said)
	}
	return files
}

// archive returns the archive for an address of Playwright's browsers, below the cache of the tests.
func (p playwright) archive(t *testing.T, address string) string {
	t.Helper()
	name := address[strings.LastIndex(address, "/")+1:]
	file := filepath.Join(filepath.Dir(chromiumPackage.fetch(t, onRegistry)), "playwright-"+p.version+"-"+name)
	err := testenv.Made(file, func(temp string) error {
		var data []byte
		var err error
		switch name {
		case "ffmpeg-linux.zip":
			data, err = testmirror.PackBrowser("ffmpeg-linux", []byte("#!/bin/sh\nexec ffmpeg \"$@\"\n"), nil)
		case "chromium-linux.zip":
			data, err = p.packChromium(t, "chrome-linux/chrome")
		case "chromium-headless-shell-linux.zip":
			data, err = p.packChromium(t, "chrome-linux/headless_shell")
		default:
			err = fmt.Errorf("npm has no package with %s, which Playwright wants", address)
		}
		if err != nil {
			return err
		}
		return os.WriteFile(temp, data, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// packChromium packs the Chromium of npm's package under the name of a program.
func (p playwright) packChromium(t *testing.T, program string) ([]byte, error) {
	t.Helper()
	from, to := t.TempDir(), t.TempDir()
	if out, err := exec.Command("tar", "-xzf", chromiumPackage.fetch(t, onRegistry), "-C", from).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	p.node(t, nil, "-e", unbrotli, filepath.Join(from, "package", "bin"), to)
	content, err := os.ReadFile(filepath.Join(to, "chromium"))
	if err != nil {
		return nil, err
	}
	libraries, err := os.ReadFile(filepath.Join(to, "swiftshader.tar"))
	if err != nil {
		return nil, err
	}
	return testmirror.PackBrowser(program, content, bytes.NewReader(libraries))
}
