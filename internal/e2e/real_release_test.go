//go:build openhands

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/pelletier/go-toml/v2"

	"github.com/rtbuild/rtbuild/internal/testenv"
)

// openhandsRelease is OpenHands 0.62.0 as it was published: the package, microagents, lock files. What it lacks is in no image.
var openhandsRelease = release{
	project: "openhands-ai", file: "openhands_ai-0.62.0.tar.gz",
	digest: "sha256:dd2e31f715fe9239ff2f2c60b0b85d3bff44cb0483d2b7a200fdcb8a6e561962",
}

// releaseTree returns a directory with the release's files. Tests must not change it.
func releaseTree(t *testing.T) string {
	t.Helper()
	archive := openhandsRelease.fetch(t, onIndex)
	dir := filepath.Join(filepath.Dir(archive), "unpacked")
	err := testenv.Made(dir, func(temp string) error {
		if err := os.Mkdir(temp, 0o755); err != nil {
			return err
		}
		if out, err := exec.Command("tar", "-xzf", archive, "--no-same-owner", "--strip-components=1", "-C", temp).CombinedOutput(); err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// lockedWheel returns the version of a project that the release's lock file pins, and its wheel for this machine.
func lockedWheel(t *testing.T, project string) (version, file string) {
	t.Helper()
	var lock struct {
		Package []struct {
			Name, Version string
			Files         []struct{ File, Hash string }
		}
	}
	must(0, toml.Unmarshal(must(os.ReadFile(filepath.Join(releaseTree(t), "poetry.lock")))(t), &lock))(t)
	machine := regexp.MustCompile(`manylinux.*_` + map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[runtime.GOARCH] + `\.whl$`)
	for _, p := range lock.Package {
		if p.Name != project {
			continue
		}
		for _, f := range p.Files {
			if machine.MatchString(f.File) {
				return p.Version, release{project, f.File, digest.Digest(f.Hash)}.fetch(t, onIndex)
			}
		}
	}
	t.Fatalf("the lock file has no wheel of %s for %s", project, machine)
	return "", ""
}
