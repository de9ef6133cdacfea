package e2e

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/frontend"
	"github.com/rtbuild/rtbuild/internal/testenv"
)

// frontendLabel matches BuildKit's labels in the Dockerfile of the frontend image.
var frontendLabel = regexp.MustCompile(`(moby\.buildkit\.frontend\.\S+?)="([^"]*)"`)

// pushFrontend pushes the frontend image to the shared registry, with the labels of a release.
var pushFrontend = sync.OnceValues(func() (string, error) {
	ctx := context.Background()
	file, err := testenv.BuildFrontend(ctx, env.dir, runtime.GOARCH)
	if err != nil {
		return "", err
	}
	dockerfile, err := os.ReadFile(filepath.Join("..", "..", "cmd", "frontend", "Dockerfile"))
	if err != nil {
		return "", err
	}
	program := testenv.Program{
		File: map[string]string{"linux/" + runtime.GOARCH: file}, Path: frontend.Program, User: "65532:65532", Labels: map[string]string{},
	}
	for _, label := range frontendLabel.FindAllStringSubmatch(string(dockerfile), -1) {
		program.Labels[label[1]] = label[2]
	}
	if len(program.Labels) == 0 {
		return "", errors.New("the frontend's Dockerfile has no label for BuildKit")
	}
	_, err = env.registry.PushProgram(ctx, "rtbuild-frontend", "dev", program)
	return env.registry.Host + "/rtbuild-frontend:dev", err
})

// frontendRef returns the frontend's reference, for a "# syntax=" line.
func frontendRef(t *testing.T) string {
	t.Helper()
	return must(pushFrontend())(t)
}

// sharedBuildx returns buildx for the shared builder.
var sharedBuildx = sync.OnceValues(func() (*testenv.Buildx, error) {
	return testenv.NewBuildx(env.Buildx, filepath.Join(env.dir, "buildx"), env.builder.Addr)
})

// newBuildx returns buildx for another builder.
func newBuildx(t *testing.T, b *testenv.Builder) *testenv.Buildx {
	t.Helper()
	return must(testenv.NewBuildx(env.Buildx, filepath.Join(t.TempDir(), "buildx"), b.Addr))(t)
}

// buildx runs docker buildx on the shared builder, in a directory.
func buildx(t *testing.T, dir string, args ...string) result {
	t.Helper()
	return buildxOn(t, must(sharedBuildx())(t), dir, args...)
}

// buildxOn runs docker buildx on a builder.
func buildxOn(t *testing.T, b *testenv.Buildx, dir string, args ...string) result {
	t.Helper()
	return exits(t, b.Command(t.Context(), args...), dir)
}

// buildctl runs buildctl on the shared builder, without a user's settings.
func buildctl(t *testing.T, dir string, args ...string) result {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), env.Buildctl, append([]string{"--addr", env.builder.Addr}, args...)...)
	cmd.Env = append(os.Environ(), "DOCKER_CONFIG="+t.TempDir(), "SOURCE_DATE_EPOCH=")
	return exits(t, cmd, dir)
}

// exits runs a program to its end. Any exit code is accepted.
func exits(t *testing.T, cmd *exec.Cmd, dir string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// Stand-ins for installers that need no network. They write down what they see, and fail on request.
const (
	standInNPM = `#!/bin/sh
set -eu
mkdir -p "$3" node_modules
echo run >> "$3/runs"
cp "$3/runs" node_modules/runs
cp /proc/sys/kernel/random/uuid node_modules/run
{ env; cat "$HOME/.npmrc" || true; } > node_modules/seen
if grep -q fail package.json; then echo 'npm error code EFAIL' >&2; exit 7; fi
`
	standInApt = `#!/bin/sh
case "$*" in *no-such-package*) echo 'E: Unable to locate package no-such-package' >&2; exit 100;; esac
`
	probeLayers = 2 // number of layers of the base with the stand-ins
)

// pushProbeBase pushes a Debian base as node:22, with the config of the official Node.js image, so that nothing has to be
// installed.
var pushProbeBase = sync.OnceValues(func() (string, error) {
	layer, err := testenv.Base(context.Background())
	if err != nil {
		return "", err
	}
	added, err := standIns()
	if err != nil {
		return "", err
	}
	_, err = env.registry.PushImage(context.Background(), "node", "22", ocispecs.Image{
		Platform: ocispecs.Platform{OS: "linux", Architecture: runtime.GOARCH},
		Config:   ocispecs.ImageConfig{Env: []string{"PATH=/opt/bin:/usr/bin:/bin", "NODE_VERSION=22.1.0"}},
	}, layer, added)
	return env.registry.Host + "/node:22", err
})

// standIns returns a layer with the stand-ins, and with a Node.js that is never run.
func standIns() (testenv.Blob, error) {
	return programs(map[string]string{"opt/bin/apt-get": standInApt, "opt/bin/npm": standInNPM, "opt/bin/node": "#!/bin/sh\n"})
}

// programs returns a layer with programs.
func programs(files map[string]string) (testenv.Blob, error) {
	var data bytes.Buffer
	archive := tar.NewWriter(&data)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := archive.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o755, Size: int64(len(files[name]))}); err != nil {
			return testenv.Blob{}, err
		}
		if _, err := archive.Write([]byte(files[name])); err != nil {
			return testenv.Blob{}, err
		}
	}
	err := archive.Close()
	return testenv.BytesBlob(ocispecs.MediaTypeImageLayer, data.Bytes()), err
}

// probe returns a project for the frontend that installs nothing and needs no network. lines are added to its runtime file.
func probe(t *testing.T, lines ...string) *project {
	t.Helper()
	p := &project{dir: t.TempDir(), repository: env.registry.Host + "/" + repositoryOf(t)}
	p.runtimeFile(t, append([]string{
		"profile: node", "base: " + must(pushProbeBase())(t), "repository: " + p.repository, "version: 1.0.0",
		"user: root", "packages: []", "dependencies: {manager: none}",
	}, lines...)...)
	write(t, p.dir, "main.js", "// main\n")
	return p
}

// runtimeFile writes a runtime file for the frontend.
func (p *project) runtimeFile(t *testing.T, lines ...string) {
	t.Helper()
	write(t, p.dir, "runtime.yaml", "# syntax="+frontendRef(t)+"\n"+strings.Join(lines, "\n")+"\n")
}

var notInRepository = regexp.MustCompile(`[^a-z0-9/]+`)

// repositoryOf returns the name of a test's own repository.
func repositoryOf(t *testing.T) string {
	return strings.Trim(notInRepository.ReplaceAllString(strings.ToLower(t.Name()), "-"), "-")
}

// buildArgs returns arguments for buildx: no attestations, plain progress, the project's runtime file.
func (p *project) buildArgs(more ...string) []string {
	return append([]string{"build", "--progress", "plain", "--provenance=false", "-f", filepath.Join(p.dir, "runtime.yaml")}, append(more, p.dir)...)
}

// buildx builds the project with its "# syntax=" line. It must succeed.
func (p *project) buildx(t *testing.T, more ...string) result {
	t.Helper()
	return succeeds(t, buildx(t, p.dir, p.buildArgs(more...)...))
}

func succeeds(t *testing.T, res result) result {
	t.Helper()
	if res.code != 0 {
		t.Fatalf("exit code %d\n%s\n%s", res.code, res.stdout, res.stderr)
	}
	return res
}

// probed builds the project, and returns the content of every file that the image adds to its base.
func (p *project) probed(t *testing.T, more ...string) map[string]string {
	t.Helper()
	p.buildx(t, append([]string{"--push", "-t", p.repository + ":probe"}, more...)...)
	return added(t, p.repository+":probe")
}

// added returns the content of every file that an image adds to the base of probe.
func added(t *testing.T, ref string) map[string]string {
	t.Helper()
	img := image(t, ref)
	files := map[string]string{}
	for n := range img.Manifest.Layers[probeLayers:] {
		err := img.Layer(t.Context(), n+probeLayers, func(h *tar.Header, content io.Reader) error {
			data, err := io.ReadAll(content)
			if h.Typeflag != tar.TypeDir {
				files[path.Join("/", h.Name)] = string(data)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return files
}
