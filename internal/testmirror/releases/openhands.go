package releases

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"

	"github.com/opencontainers/go-digest"
	"github.com/pelletier/go-toml/v2"

	"github.com/rtbuild/rtbuild/internal/testenv"
)

// openhands is OpenHands 0.62.0 as it was published: the package, microagents, lock files. What it lacks is in no image.
var openhands = file{
	project: "openhands-ai", name: "openhands_ai-0.62.0.tar.gz", find: onIndex,
	digest: "sha256:dd2e31f715fe9239ff2f2c60b0b85d3bff44cb0483d2b7a200fdcb8a6e561962",
}

// OpenHands returns a directory with the files of OpenHands 0.62.0. Callers must not change them.
func OpenHands(ctx context.Context) (string, error) {
	return openhands.unpacked(ctx)
}

// Sdist returns a directory with the files of a source distribution: the name of its project, of its file, and its SHA-256. Callers must
// not change them.
func Sdist(ctx context.Context, project, name, sha256 string) (string, error) {
	return file{project, name, digest.NewDigestFromEncoded(digest.SHA256, sha256), onIndex}.unpacked(ctx)
}

// unpacked returns a directory with the files of an archive.
func (f file) unpacked(ctx context.Context) (string, error) {
	archive, err := f.get(ctx)
	if err != nil {
		return "", err
	}
	dir := filepath.Join(filepath.Dir(archive), "unpacked")
	return dir, testenv.Made(dir, func(temp string) error {
		if err := os.Mkdir(temp, 0o755); err != nil {
			return err
		}
		return run(ctx, "tar", "-xzf", archive, "--no-same-owner", "--strip-components=1", "-C", temp)
	})
}

// run runs a program. The error has its output.
func run(ctx context.Context, name string, args ...string) error {
	if out, err := exec.CommandContext(ctx, name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, out)
	}
	return nil
}

// lockedPackage is a package of poetry.lock.
type lockedPackage struct {
	Name, Version string
	Files         []struct{ File, Hash string }
}

// locked returns a package of OpenHands' lock file.
func locked(ctx context.Context, project string) (lockedPackage, error) {
	dir, err := OpenHands(ctx)
	if err != nil {
		return lockedPackage{}, err
	}
	data, err := os.ReadFile(filepath.Join(dir, "poetry.lock"))
	if err != nil {
		return lockedPackage{}, err
	}
	var lock struct{ Package []lockedPackage }
	if err := toml.Unmarshal(data, &lock); err != nil {
		return lockedPackage{}, err
	}
	for _, p := range lock.Package {
		if p.Name == project {
			return p, nil
		}
	}
	return lockedPackage{}, fmt.Errorf("the lock file of OpenHands has no %s", project)
}

// machines are the names of this machine's architecture in wheels and in uv's releases, by Go's name.
var machines = map[string]string{"amd64": "x86_64", "arm64": "aarch64"}

// lockedWheel returns the version of a project that OpenHands' lock file pins, and its wheel for this machine.
func lockedWheel(ctx context.Context, project string) (version, wheel string, err error) {
	p, err := locked(ctx, project)
	if err != nil {
		return "", "", err
	}
	machine := regexp.MustCompile(`manylinux.*_` + machines[runtime.GOARCH] + `\.whl$`)
	for _, f := range p.Files {
		if machine.MatchString(f.File) {
			wheel, err = file{project, f.File, digest.Digest(f.Hash), onIndex}.get(ctx)
			return p.Version, wheel, err
		}
	}
	return "", "", fmt.Errorf("the lock file of OpenHands has no wheel of %s for %s", project, machine)
}
