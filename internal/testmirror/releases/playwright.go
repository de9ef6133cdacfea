package releases

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/rtbuild/rtbuild/internal/testenv"
	"github.com/rtbuild/rtbuild/internal/testmirror"
)

// Playwright is a release of Playwright.
type Playwright struct {
	Version string
	driver  string // the directory of its program
}

// LockedPlaywright returns the Playwright that OpenHands' lock file pins.
func LockedPlaywright(ctx context.Context) (Playwright, error) {
	version, wheel, err := lockedWheel(ctx, "playwright")
	if err != nil {
		return Playwright{}, err
	}
	dir := filepath.Join(filepath.Dir(wheel), "unpacked")
	err = testenv.Made(dir, func(temp string) error {
		archive, err := zip.OpenReader(wheel)
		if err != nil {
			return err
		}
		defer archive.Close()
		return os.CopyFS(temp, archive)
	})
	if err != nil {
		return Playwright{}, err
	}
	p := Playwright{version, filepath.Join(dir, "playwright", "driver")}
	return p, os.Chmod(filepath.Join(p.driver, "node"), 0o755)
}

// Node runs a script with the Node.js that Playwright brings, and returns what it prints.
func (p Playwright) Node(ctx context.Context, env []string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(p.driver, "node"), args...)
	cmd.Dir, cmd.Env = filepath.Join(p.driver, "package"), append(os.Environ(), env...)
	out, err := cmd.Output()
	return string(out), err
}

// chromium is a build of Chromium without a window, by its license of MIT and those of Chromium. Its version is that of Playwright's
// Chromium, up to the third number.
var chromium = file{
	project: "@sparticuz/chromium", name: "chromium-140.0.0.tgz", find: onRegistry,
	digest: "sha256:6b36e3ab1fa1d84787a5ae0615c4aae861ccaf4b6a8c8cbf93b40205e05cde18", // its sha512 is the registry's
}

var downloadURL = regexp.MustCompile(`Download url: +(https://\S+)`)

// browsers returns the archives that Playwright fetches for Chromium, by address. Chromium is real; ffmpeg, which records videos, is
// a script that calls the image's own.
func (p Playwright) browsers(ctx context.Context) (map[string]string, error) {
	said, err := p.Node(ctx, []string{
		"PLAYWRIGHT_HOST_PLATFORM_OVERRIDE=debian13-x64", "PLAYWRIGHT_DOWNLOAD_HOST=https://cdn.playwright.dev/dbazure/download/playwright",
	}, "cli.js", "install", "--dry-run", "chromium")
	if err != nil {
		return nil, err
	}
	files := map[string]string{}
	for _, match := range downloadURL.FindAllStringSubmatch(said, -1) {
		if files[match[1]], err = p.archive(ctx, match[1]); err != nil {
			return nil, err
		}
	}
	if len(files) != 3 {
		return nil, fmt.Errorf("Playwright %s wants %d archives, not three:\n%s", p.Version, len(files), said)
	}
	return files, nil
}

// archive returns the archive for an address of Playwright's browsers.
func (p Playwright) archive(ctx context.Context, address string) (string, error) {
	name := address[strings.LastIndex(address, "/")+1:]
	packed, err := chromium.path("playwright-" + p.Version + "-" + name)
	if err != nil {
		return "", err
	}
	return packed, testenv.Made(packed, func(temp string) error {
		var data []byte
		var err error
		switch name {
		case "ffmpeg-linux.zip":
			data, err = testmirror.PackBrowser("ffmpeg-linux", []byte("#!/bin/sh\nexec ffmpeg \"$@\"\n"), nil)
		case "chromium-linux.zip":
			data, err = p.packChromium(ctx, "chrome-linux/chrome")
		case "chromium-headless-shell-linux.zip":
			data, err = p.packChromium(ctx, "chrome-linux/headless_shell")
		default:
			err = fmt.Errorf("npm has no package with %s, which Playwright wants", address)
		}
		if err != nil {
			return err
		}
		return os.WriteFile(temp, data, 0o644)
	})
}

// unbrotli decompresses the parts of Chromium's package, by Node.js, which knows brotli.
const unbrotli = `const fs = require("fs"), zlib = require("zlib"), [from, to] = process.argv.slice(1);
for (const name of ["chromium", "swiftshader.tar"]) fs.writeFileSync(to + "/" + name, zlib.brotliDecompressSync(fs.readFileSync(from + "/" + name + ".br")));`

// packChromium packs the Chromium of npm's package under the name of a program.
func (p Playwright) packChromium(ctx context.Context, program string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "rtbuild-chromium-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	archive, err := chromium.get(ctx)
	if err != nil {
		return nil, err
	}
	if err := run(ctx, "tar", "-xzf", archive, "-C", dir); err != nil {
		return nil, err
	}
	if _, err := p.Node(ctx, nil, "-e", unbrotli, filepath.Join(dir, "package", "bin"), dir); err != nil {
		return nil, err
	}
	content, err := os.ReadFile(filepath.Join(dir, "chromium"))
	if err != nil {
		return nil, err
	}
	libraries, err := os.ReadFile(filepath.Join(dir, "swiftshader.tar"))
	if err != nil {
		return nil, err
	}
	return testmirror.PackBrowser(program, content, bytes.NewReader(libraries))
}
