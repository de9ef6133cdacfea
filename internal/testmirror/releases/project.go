package releases

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/rtbuild/rtbuild/internal/profile"
	"github.com/rtbuild/rtbuild/internal/testenv"
	"github.com/rtbuild/rtbuild/internal/testmirror"
	"github.com/rtbuild/rtbuild/llb"
)

// Python is the version that a project of OpenHands asks for: trixie has it, from whose packages the stand-in for the conda channel is
// made, and the lock file allows it.
const Python = "3.13"

// Project writes OpenHands 0.62.0 to a directory, with a runtime file for a trixie base. Real are all of PyPI, uv and Chromium; a
// mirror stands in for micromamba, the conda channel, the editor and Docker Engine. npm has this Chromium for amd64 only.
func Project(ctx context.Context, dir string, mirror *testmirror.Mirror, base string) error {
	tree, err := OpenHands(ctx)
	if err != nil {
		return err
	}
	if err := os.CopyFS(dir, os.DirFS(tree)); err != nil {
		return err
	}
	if err := serve(ctx, mirror); err != nil {
		return err
	}
	text, err := runtimeFile(ctx, mirror, base)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "runtime.yaml"), text, 0o644)
}

// serve puts the real uv and Chromium where the real sites have them.
func serve(ctx context.Context, mirror *testmirror.Mirror) error {
	uv, _ := (&profile.Runtime{}).Release("uv", "")
	cache, err := testenv.CacheDir()
	if err != nil {
		return err
	}
	archive := filepath.Join(cache, "published", "uv-"+uv.Version+"-"+runtime.GOARCH+".tar.gz")
	err = testenv.Made(archive, func(temp string) error {
		content, err := UV(ctx, uv.Version)
		if err != nil {
			return err
		}
		return os.WriteFile(temp, content, 0o644)
	})
	if err != nil {
		return err
	}
	mirror.Serve(uv.Address(runtime.GOARCH), archive)
	playwright, err := LockedPlaywright(ctx)
	if err != nil {
		return err
	}
	browsers, err := playwright.browsers(ctx)
	for address, file := range browsers {
		mirror.Serve(address, file)
	}
	return err
}

// UV returns the real uv of a version for this machine from its wheel, packed like its releases.
func UV(ctx context.Context, version string) ([]byte, error) {
	links, err := Links(ctx, "uv")
	if err != nil {
		return nil, err
	}
	machine := machines[runtime.GOARCH]
	for _, link := range links {
		if !strings.HasPrefix(link.Name, "uv-"+version+"-py3-none-manylinux_2_17_"+machine) {
			continue
		}
		wheel, err := testmirror.Fetch(ctx, link.Address, "")
		if err != nil {
			return nil, err
		}
		return testmirror.PackUV(wheel, machine)
	}
	return nil, fmt.Errorf("the index has no wheel of uv %s for %s", version, machine)
}

// runtimeFile returns a runtime file with the mirror's addresses, and with the digests of what it serves. JSON is valid YAML.
func runtimeFile(ctx context.Context, mirror *testmirror.Mirror, base string) ([]byte, error) {
	mirrors := mirror.Mirrors()
	delete(mirrors, llb.PyPI)
	delete(mirrors, llb.PyPIFiles)
	if index := Index(ctx); index != llb.PyPI+"/simple" {
		mirrors[llb.PyPI] = strings.TrimSuffix(index, "/simple")
	}
	var tools []map[string]any
	for _, name := range []string{"uv", "micromamba", "openvscode-server", "docker-apt-key"} {
		release, _ := (&profile.Runtime{}).Release(name, "")
		tools = append(tools, map[string]any{
			"name": name, "version": release.Version, "sha256": map[string]string{runtime.GOARCH: mirror.SHA256(release.Address(runtime.GOARCH))},
		})
	}
	return json.MarshalIndent(map[string]any{
		"base": base, "runtime": map[string]string{"python": Python}, "tools": tools, "network": map[string]any{"mirrors": mirrors},
	}, "", "  ")
}
