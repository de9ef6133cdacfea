package e2e

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/testenv"
)

// fails runs solve, and checks the exit code and the first line of the error.
func (p *project) fails(t *testing.T, code int, first string, more ...string) result {
	t.Helper()
	res := client(t, p.dir, p.args("solve", append([]string{"--progress", "plain", "--retries", "0"}, more...)...)...)
	if res.code != code {
		t.Errorf("exit code %d, want %d\n%s", res.code, code, res.stderr)
	}
	if !strings.Contains(res.errorLine(), first) {
		t.Errorf("the error begins with %q, want %q in it\n%s", res.errorLine(), first, res.stderr)
	}
	return res
}

// unpublished checks that no tag exists that a later plan would use.
func (p *project) unpublished(t *testing.T, more ...string) {
	t.Helper()
	if made := p.plan(t, more...); made.Variant == "none" || made.Exists["source"] != "absent" {
		t.Errorf("the plan is %+v", made)
	}
}

// TestBadInput checks errors of the project itself.
func TestBadInput(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		spoil func(t *testing.T, dir string)
		args  []string
		code  int
		first string
	}{
		{"no lock file", func(t *testing.T, dir string) { remove(t, dir, "package-lock.json") }, nil, 2, "package-lock.json"},
		{"empty source", func(t *testing.T, dir string) { write(t, dir, "runtime.yaml", "ignore: ['*']\n") }, nil, 2, "nothing to hash"},
		{"misspelt field", func(t *testing.T, dir string) { write(t, dir, "runtime.yaml", "# x\npakages: [git]\n") }, nil, 2,
			`runtime.yaml:2:1: unknown field "pakages"`},
		{"invalid reference", nil, []string{"--base-image", "Debian:x"}, 2, "Debian:x"},
		{"unknown flag", nil, []string{"--bse-image", "x"}, 2, "unknown flag: --bse-image"},
		{"unknown platform", nil, []string{"--platform", "linux/x/y/z"}, 2, "--platform"},
		{"context that is none", nil, []string{"nowhere"}, 2, "nowhere"},
		{"link out of the context", func(t *testing.T, dir string) {
			outside := t.TempDir()
			write(t, outside, "secret", "x")
			if err := os.Symlink(filepath.Join(outside, "secret"), filepath.Join(dir, "leak")); err != nil {
				t.Fatal(err)
			}
		}, nil, 2, "leak"},
		{"unknown progress", nil, []string{"--progress", "loud"}, 2, "--progress"},
		{"unknown network", nil, []string{"--network", "moon"}, 2, "--network"},
		{"label of ours", nil, []string{"--label", "io.rtbuild.source.digest=x"}, 2, "io.rtbuild.source.digest"},
		{"repository to reuse that is none", nil, []string{"--reuse-from", "Bad Ref"}, 2, "--reuse-from"},
		{"bad output", nil, []string{"-o", "type=qcow"}, 2, "qcow"},
		{"file that is not there", nil, []string{"-f", "other.yaml"}, 2, "other.yaml"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := small(t)
			p.repository = env.registry.Host + "/badinput"
			if tt.spoil != nil {
				tt.spoil(t, p.dir)
			}
			p.fails(t, tt.code, tt.first, tt.args...)
		})
	}
}

func remove(t *testing.T, dir, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

// TestBadBase checks errors of base images.
func TestBadBase(t *testing.T) {
	t.Parallel()
	osRelease := func(text string) testenv.Blob { return layerOf(t, map[string]string{"etc/os-release": text}) }
	here := ocispecs.Platform{OS: "linux", Architecture: runtime.GOARCH}
	push := func(tag string, platform ocispecs.Platform, layer testenv.Blob) string {
		_, err := env.registry.PushImage(t.Context(), "badbase", tag, ocispecs.Image{Platform: platform}, layer)
		if err != nil {
			t.Fatal(err)
		}
		return env.registry.Host + "/badbase:" + tag
	}
	tests := []struct {
		name, base string
		code       int
		first      string
	}{
		{"absent", env.registry.Host + "/badbase:absent", 3, "does not exist"},
		{"other platform", push("s390x", ocispecs.Platform{OS: "linux", Architecture: "s390x"}, osRelease("ID=debian\n")), 1, "linux/s390x"},
		{"no os-release", push("empty", here, layerOf(t, map[string]string{"x": ""})), 1, "no os-release"},
		{"no apt", push("alpine", here, osRelease("ID=alpine\nPRETTY_NAME=\"Alpine Linux v3.22\"\n")), 1, "Alpine Linux v3.22"},
		{"no shell", push("noshell", here, osRelease("ID=debian\nVERSION_CODENAME=bookworm\n")), 1, "/bin/sh"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := small(t)
			p.repository = env.registry.Host + "/badbase-runtime"
			p.fails(t, tt.code, tt.first, "--base-image", tt.base)
			p.unpublished(t, "--base-image", tt.base)
		})
	}
	t.Run("one of ours", func(t *testing.T) {
		p := small(t)
		p.solve(t)
		ours := p.plan(t).Images.Lock
		p.fails(t, 1, "made by rtbuild", "--base-image", ours, "--repository", p.repository+"-again")
	})
}

// TestFailingStep checks that the error of a failed step contains the step, its exit code and the end of its output.
func TestFailingStep(t *testing.T) {
	t.Parallel()
	t.Run("extra", func(t *testing.T) {
		p := small(t)
		res := p.fails(t, 1, "exit code 7", "--extra-deps", "echo the reason is this >&2; exit 7")
		if !strings.Contains(res.errorLine(), "[extra]") || !strings.Contains(res.stderr, "  | the reason is this") {
			t.Errorf("stderr is %s", res.stderr)
		}
		p.unpublished(t, "--extra-deps", "echo the reason is this >&2; exit 7")
	})
	t.Run("lock file out of step", func(t *testing.T) {
		p := small(t)
		edit(t, filepath.Join(p.dir, "package.json"), "7.0.0", "6.0.0")
		res := p.fails(t, 1, `npm ci fails: package-lock.json does not agree with package.json: is-number is "6.0.0", but "7.0.0" in the lock file`)
		if strings.Contains(res.stderr, "[system]") {
			t.Errorf("a step runs before that: %s", res.stderr)
		}
		p.unpublished(t)
	})
}

// TestRegistryFaults checks a registry that denies, throttles, dies or sends invalid responses. Nothing may be built or published.
func TestRegistryFaults(t *testing.T) {
	t.Parallel()
	status := func(code int) testenv.Fault {
		return func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(code); return true }
	}
	only := func(method, part string, f testenv.Fault) testenv.Fault {
		return func(w http.ResponseWriter, r *http.Request) bool {
			return (method == "" || r.Method == method) && strings.Contains(r.URL.Path, part) && f(w, r)
		}
	}
	tests := []struct {
		name  string
		fault func(repository string) testenv.Fault
		first string
		built bool // the fault occurs after the build
	}{
		{"denied", func(r string) testenv.Fault { return only("", r, status(403)) }, "denied", false},
		{"throttled", func(r string) testenv.Fault { return only("", r, status(429)) }, "too many requests", false},
		{"down", func(r string) testenv.Fault { return only("", r, status(500)) }, "500", false},
		{"push denied", func(r string) testenv.Fault { return only("POST", r, status(403)) }, "denied", false},
		{"nonsense", func(r string) testenv.Fault {
			return only("GET", r+"/manifests", func(w http.ResponseWriter, _ *http.Request) bool {
				_, _ = io.WriteString(w, "<html>welcome</html>")
				return true
			})
		}, "invalid response", false},
		{"dies while blobs are pushed", func(r string) testenv.Fault { return only("PUT", r+"/blobs", hangUp) }, "push", true},
		{"refuses the manifest", func(r string) testenv.Fault { return only("PUT", r+"/manifests", status(500)) }, "push", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := small(t)
			registry := p.ownRegistry(t)
			registry.SetFault(tt.fault(strings.TrimPrefix(p.repository, registry.Host)))
			res := p.fails(t, 3, tt.first)
			registry.SetFault(nil)
			if built := strings.Contains(res.stderr, "[deps]"); built != tt.built {
				t.Errorf("something was built: %t\n%s", built, res.stderr)
			}
			p.unpublished(t)
		})
	}
}

// TestLookupFaults checks faults during lookups. Nothing may be built.
func TestLookupFaults(t *testing.T) {
	t.Run("a repository to reuse that is down", func(t *testing.T) {
		p := small(t)
		env.registry.SetFault(func(w http.ResponseWriter, r *http.Request) bool {
			down := strings.Contains(r.URL.Path, "/to-reuse/")
			if down {
				w.WriteHeader(http.StatusInternalServerError)
			}
			return down
		})
		defer env.registry.SetFault(nil)
		p.fails(t, 3, "500", "--reuse-from", env.registry.Host+"/to-reuse")
	})
	t.Run("a base that cannot be asked, with --pull", func(t *testing.T) {
		p := small(t)
		p.repository = env.registry.Host + "/asking-pull"
		p.fails(t, 3, "127.0.0.1:1", "--pull", "--base-image", "127.0.0.1:1/debian:bookworm")
	})
	t.Run("Ctrl-C before a silent registry", func(t *testing.T) {
		p := small(t)
		r := start(t, p.dir, p.args("plan")...)
		var once sync.Once
		env.registry.SetFault(func(_ http.ResponseWriter, req *http.Request) bool {
			once.Do(func() { _ = r.Process.Signal(os.Interrupt) })
			<-req.Context().Done()
			return true
		})
		defer env.registry.SetFault(nil)
		if res := finish(t, r); res.code != 1 || res.errorLine() != "canceled" {
			t.Errorf("exit code %d: %s", res.code, res.stderr)
		}
	})
	t.Run("a broken manifest, and --force-rebuild", func(t *testing.T) {
		p := small(t)
		p.repository = env.registry.Host + "/asking-broken"
		env.registry.SetFault(func(w http.ResponseWriter, r *http.Request) bool {
			asked := r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/asking-broken/manifests/oh_")
			if asked {
				_, _ = io.WriteString(w, "<html>welcome</html>")
			}
			return asked
		})
		defer env.registry.SetFault(nil)
		p.fails(t, 3, "broken")
		p.solve(t, "--force-rebuild")
	})
}

// hangUp breaks the connection.
func hangUp(w http.ResponseWriter, _ *http.Request) bool {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	_ = conn.Close()
	return true
}

// TestRetry checks that the client retries when a registry fails for longer than the builder itself retries.
func TestRetry(t *testing.T) {
	t.Parallel()
	p := small(t)
	registry := p.ownRegistry(t)
	path := strings.TrimPrefix(p.repository, registry.Host) + "/manifests"
	registry.SetFault(func(w http.ResponseWriter, r *http.Request) bool {
		refused := r.Method == http.MethodPut && strings.Contains(r.URL.Path, path)
		if refused {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		return refused
	})
	cmd := start(t, p.dir, p.args("solve", "--progress", "plain")...)
	onOutput(t, cmd, "trying again", func() { registry.SetFault(nil) })
	if res := finish(t, cmd); res.code != 0 || !strings.Contains(res.stderr, "trying again") {
		t.Errorf("exit code %d: %s", res.code, res.stderr)
	}
}

// TestBuilderFaults checks a builder that is missing, dies, or runs out of disk space.
func TestBuilderFaults(t *testing.T) {
	t.Parallel()
	t.Run("absent", func(t *testing.T) {
		small(t).fails(t, 4, "connecting to builder unix:///nowhere/buildkitd.sock", "--addr", "unix:///nowhere/buildkitd.sock")
	})
	t.Run("killed", func(t *testing.T) {
		p := small(t)
		builder := must(testenv.StartBuilder(t.Context(), env.Buildkitd, t.TempDir(), testenv.BuilderOptions{}))(t)
		cmd := start(t, p.dir, p.args("solve", "--progress", "plain", "--retries", "0", "--addr", builder.Addr,
			"--extra-deps", "sleep 20")...) // continues after the builder's death
		onOutput(t, cmd, "[extra]", builder.Kill)
		res := finish(t, cmd)
		if res.code != 4 || !strings.Contains(res.errorLine(), "lost the connection") {
			t.Errorf("exit code %d: %s", res.code, res.stderr)
		}
		p.unpublished(t, "--extra-deps", "sleep 20")
		_ = builder.Stop()
	})
	t.Run("full disk", func(t *testing.T) {
		dir := t.TempDir()
		if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=100m"); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
		builder := must(testenv.StartBuilder(t.Context(), env.Buildkitd, dir, testenv.BuilderOptions{}))(t)
		t.Cleanup(func() { _ = builder.Stop() })
		p := small(t)
		p.fails(t, 1, "no space left on device", "--addr", builder.Addr)
		p.unpublished(t)
	})
}

// TestInterrupt interrupts the client during a step.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	p := small(t)
	cmd := start(t, p.dir, p.args("solve", "--progress", "plain", "--extra-deps", "sleep 600")...)
	onOutput(t, cmd, "[extra]", func() { _ = cmd.Process.Signal(os.Interrupt) })
	res := finish(t, cmd)
	if res.code != 1 || res.errorLine() != "canceled" {
		t.Errorf("exit code %d: %s", res.code, res.stderr)
	}
	p.unpublished(t, "--extra-deps", "sleep 600")
}

// onOutput calls do when the client prints a text on standard error.
func onOutput(t *testing.T, cmd *run, text string, do func()) {
	t.Helper()
	cmd.Stderr = &trigger{Writer: cmd.Stderr, text: text, do: do}
}

type trigger struct {
	io.Writer
	seen strings.Builder
	text string
	do   func()
	once sync.Once
}

func (w *trigger) Write(p []byte) (int, error) {
	w.seen.Write(p)
	if strings.Contains(w.seen.String(), w.text) {
		w.once.Do(func() { go w.do() })
	}
	return w.Writer.Write(p)
}

// TestConcurrentSolves runs two solves of one project at the same time.
func TestConcurrentSolves(t *testing.T) {
	t.Parallel()
	p := small(t)
	var wg sync.WaitGroup
	results := make([]result, 2)
	for i := range results {
		cmd := start(t, p.dir, p.args("solve", "--progress", "plain")...)
		wg.Go(func() { results[i] = finish(t, cmd) })
	}
	wg.Wait()
	for _, res := range results {
		if res.code != 0 {
			t.Errorf("exit code %d: %s", res.code, res.stderr)
		}
	}
	if made := p.plan(t); made.Variant != "none" {
		t.Errorf("the plan is %+v", made)
	}
}
