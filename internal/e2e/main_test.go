package e2e

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/rtbuild/rtbuild/internal/testenv"
)

// env holds what all tests share. Each test builds in its own repository. Tests run in parallel, except those that check the traffic of
// the shared registry, make it fail, or check the cache of the shared builder: they do not call t.Parallel.
var env struct {
	testenv.Binaries
	dir      string
	registry *testenv.Registry
	builder  *testenv.Builder
	base     string         // reference of the Debian base
	closers  []func() error // close what outlives a test, in reverse order
}

func TestMain(m *testing.M) {
	code, err := testAll(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "cannot test:", err)
		code = 1
	}
	os.Exit(code)
}

func testAll(m *testing.M) (code int, err error) {
	if os.Getuid() != 0 {
		return 1, errors.New("a builder needs root: run as root")
	}
	ctx := context.Background()
	if env.dir, err = os.MkdirTemp("", "rtbuild-e2e-"); err != nil {
		return 1, err
	}
	defer os.RemoveAll(env.dir)
	if env.Binaries, err = testenv.Build(ctx, env.dir); err != nil {
		return 1, err
	}
	if env.registry, err = testenv.StartRegistry(ctx, filepath.Join(env.dir, "registry")); err != nil {
		return 1, err
	}
	defer env.registry.Close()
	if oh.registry, err = testenv.StartRegistry(ctx, filepath.Join(env.dir, "openhands-registry")); err != nil {
		return 1, err
	}
	defer oh.registry.Close()
	registries.Store(oh.registry.Host, oh.registry)
	if env.base, err = env.registry.PushBase(ctx); err != nil {
		return 1, err
	}
	state := filepath.Join(env.dir, "builder")
	if err := os.Mkdir(state, 0o755); err != nil {
		return 1, err
	}
	if env.builder, err = testenv.StartBuilder(ctx, env.Buildkitd, state, testenv.BuilderOptions{}); err != nil {
		return 1, err
	}
	atEnd(env.builder.Stop)
	// Builders mostly wait for disks and networks. -parallel on the command line overrides this.
	if err := flag.Set("test.parallel", strconv.Itoa(2*runtime.GOMAXPROCS(0))); err != nil {
		return 1, err
	}
	code = m.Run()
	slices.Reverse(env.closers)
	for _, end := range env.closers {
		err = errors.Join(err, end())
	}
	return code, err
}

// closing guards env.closers: tests run in parallel.
var closing sync.Mutex

// atEnd closes what outlives a test when all tests have ended.
func atEnd(closers ...func() error) {
	closing.Lock()
	defer closing.Unlock()
	env.closers = append(env.closers, closers...)
}

// freshBuilder starts a builder with an empty state.
func freshBuilder(t *testing.T, o testenv.BuilderOptions) *testenv.Builder {
	t.Helper()
	b, err := testenv.StartBuilder(context.Background(), env.Buildkitd, t.TempDir(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Stop(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// result is the result of a run of the client.
type result struct {
	stdout, stderr string
	code           int
}

// errorLine returns the first line of the error.
func (r result) errorLine() string {
	_, rest, _ := strings.Cut("\n"+r.stderr, "\nERROR: ")
	line, _, _ := strings.Cut(rest, "\n")
	return line
}

// start prepares a run of the client on the shared builder, without a user's settings.
func start(t *testing.T, dir string, args ...string) *run {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), env.Client, args...)
	cmd.Dir = dir
	home := t.TempDir()
	cmd.Env = append(os.Environ(), "HOME="+home, "DOCKER_CONFIG="+home, "XDG_CACHE_HOME="+filepath.Join(env.dir, "cache"),
		"BUILDX_BUILDER=", "BUILDKIT_HOST="+env.builder.Addr, "OH_RUNTIME_RUNTIME_IMAGE_REPO=", "SOURCE_DATE_EPOCH=")
	r := &run{Cmd: cmd}
	cmd.Stdout, cmd.Stderr = &r.stdout, &r.stderr
	return r
}

// run is a run of the client.
type run struct {
	*exec.Cmd
	stdout, stderr bytes.Buffer
}

// client runs the client in a directory.
func client(t *testing.T, dir string, args ...string) result {
	t.Helper()
	cmd := start(t, dir, args...)
	return finish(t, cmd)
}

func finish(t *testing.T, r *run) result {
	t.Helper()
	err := r.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return result{r.stdout.String(), r.stderr.String(), r.ProcessState.ExitCode()}
}

// succeed runs the client, and checks for exit code 0.
func succeed(t *testing.T, dir string, args ...string) result {
	t.Helper()
	res := client(t, dir, args...)
	if res.code != 0 {
		t.Fatalf("rtbuild-client %s: exit code %d\n%s", strings.Join(args, " "), res.code, res.stderr)
	}
	return res
}

// write writes a file in a directory.
func write(t *testing.T, dir, name, content string) {
	t.Helper()
	file := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func must[T any](value T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}
