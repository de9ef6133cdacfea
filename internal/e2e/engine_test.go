package e2e

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/rtbuild/rtbuild/internal/testenv"
)

// enginePrograms builds the Docker engine once.
var enginePrograms = sync.OnceValues(func() (testenv.EnginePrograms, error) {
	return testenv.BuildEngine(context.Background())
})

// sharedEngine starts the Docker engine that all tests share. Each test builds images of other names.
var sharedEngine = sync.OnceValues(func() (*testenv.Engine, error) {
	programs, err := enginePrograms()
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(env.dir, "engine")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	started, err := testenv.StartEngine(context.Background(), programs, dir, testenv.EngineOptions{})
	if err == nil {
		atEnd(started.Stop)
	}
	return started, err
})

// engine returns the shared Docker engine.
func engine(t *testing.T) *testenv.Engine {
	t.Helper()
	return must(sharedEngine())(t)
}

// freshEngine starts a Docker engine with an empty state.
func freshEngine(t *testing.T, o testenv.EngineOptions) *testenv.Engine {
	t.Helper()
	e := must(testenv.StartEngine(context.Background(), must(enginePrograms())(t), t.TempDir(), o))(t)
	t.Cleanup(func() {
		if err := e.Stop(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// onEngine runs the client for a user of a Docker engine, without a builder of another kind.
func onEngine(t *testing.T, e *testenv.Engine, dir string, args ...string) result {
	t.Helper()
	cmd := start(t, dir, args...)
	cmd.Env = append(cmd.Env, "BUILDKIT_HOST=", "DOCKER_HOST="+e.Host, "RTBUILD_HOME="+t.TempDir())
	return finish(t, cmd)
}

// TestEngineAsBuilder names the builder in a Docker engine in all ways, and publishes to a registry. The image is that of another
// builder.
func TestEngineAsBuilder(t *testing.T) {
	t.Parallel()
	p, e := small(t), engine(t)
	p.solve(t)
	for i, named := range [][]string{{"--addr", "docker://"}, {"--addr", "docker://default"}, {"--builder", "default"}, nil} {
		write(t, p.dir, "server.js", "console.log('on an engine', "+strings.Repeat("1", i+1)+")\n")
		args := p.args("solve", append([]string{"--progress", "plain", "--network", "host"}, named...)...)
		if res := onEngine(t, e, p.dir, args...); res.code != 0 || !strings.HasPrefix(res.stderr, "lock: ") {
			t.Fatalf("%v: exit code %d\n%s", named, res.code, res.stderr)
		}
	}
	digest := image(t, p.plan(t).Images.Source).Digest
	if list := must(e.Docker(t.Context(), "images"))(t); strings.Contains(list, p.repository) {
		t.Errorf("the engine stores what was only pushed:\n%s", list)
	}
	p.solve(t, "--force-rebuild", "--variant", "lock")
	if again := image(t, p.plan(t).Images.Source).Digest; again != digest {
		t.Errorf("on the engine the digest is %s, on a buildkitd %s", digest, again)
	}
}

// TestEngineFromScratch runs all steps in the Docker engine.
func TestEngineFromScratch(t *testing.T) {
	t.Parallel()
	p, e := small(t), engine(t)
	res := onEngine(t, e, p.dir, p.args("solve", "--progress", "plain", "--network", "host")...)
	if res.code != 0 || !strings.HasPrefix(res.stderr, "scratch: ") {
		t.Fatalf("exit code %d\n%s", res.code, res.stderr)
	}
	if got := p.prints(t, strings.TrimSpace(res.stdout)); !strings.Contains(got, "true") {
		t.Errorf("the image prints %q", got)
	}
}

// TestEngineErrors says what is wrong with an engine, and what to do.
func TestEngineErrors(t *testing.T) {
	t.Parallel()
	p := small(t)
	old := freshEngine(t, testenv.EngineOptions{OldStore: true})
	t.Run("an engine with its old store that nobody asked for", func(t *testing.T) {
		cmd := start(t, p.dir, p.args("solve", "--progress", "plain")...)
		cmd.Env = append(cmd.Env, "BUILDKIT_HOST=", "DOCKER_HOST="+old.Host, "RTBUILD_HOME="+t.TempDir(), "RTBUILD_BUILDKITD="+env.Buildkitd)
		res := finish(t, cmd)
		if res.code != 0 || !strings.Contains(res.stderr, "WARNING: the Docker engine docker://default cannot build: ") || !strings.Contains(res.stderr, "; using the private builder") {
			t.Errorf("exit code %d\n%s", res.code, res.stderr)
		}
	})
	nowhere := &testenv.Engine{Host: "unix:///nowhere/docker.sock"}
	for _, tt := range []struct {
		name   string
		engine *testenv.Engine
		args   []string
		code   int
		want   []string
	}{
		{"no engine", nowhere, []string{"--addr", "docker://"}, 4, []string{"connecting to Docker engine docker://default: ", "/nowhere/docker.sock", "docker version"}},
		{"no such context", nowhere, []string{"--addr", "docker://nowhere"}, 2, []string{`docker has no context "nowhere"`, "docker context ls"}},
		{"no such builder", nowhere, []string{"--builder", "nowhere"}, 2, []string{`no builder "nowhere"`, "docker has no context"}},
		{"an engine with its old store", old, []string{"--addr", "docker://"}, 4,
			[]string{"the Docker engine docker://default cannot build: its BuildKit lacks mergeop, diffop", `"containerd-snapshotter": true`, "docker buildx create"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			res := onEngine(t, tt.engine, p.dir, p.args("solve", append([]string{"--progress", "plain", "--force-rebuild"}, tt.args...)...)...)
			if res.code != tt.code {
				t.Errorf("exit code %d, want %d", res.code, tt.code)
			}
			for _, want := range tt.want {
				if !strings.Contains(res.stderr, want) {
					t.Errorf("the error does not say %q:\n%s", want, res.stderr)
				}
			}
		})
	}
}
