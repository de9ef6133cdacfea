package embedded

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/docker/cli/cli/config/types"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/session/auth/authprovider"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/tonistiigi/fsutil"
)

// acquireAndBuild is a whole client: it takes a lease, runs a step in a fresh image and pushes that to the registry.
// The step is a static program in dir.
func acquireAndBuild(ctx context.Context, opt Options, dir string) error {
	l, err := Acquire(ctx, opt)
	if err != nil {
		return err
	}
	defer l.Close()
	address, err := l.Builder(ctx, Trust{})
	if err != nil {
		return err
	}
	c, err := client.New(ctx, address)
	if err != nil {
		return err
	}
	defer c.Close()
	fs, err := fsutil.NewFS(dir)
	if err != nil {
		return err
	}
	image := llb.Scratch().File(llb.Copy(llb.Local("program"), "/step", "/step")).Run(llb.Args([]string{"/step"})).Root()
	def, err := image.Marshal(ctx)
	if err != nil {
		return err
	}
	_, err = c.Solve(ctx, def, client.SolveOpt{
		LocalMounts: map[string]fsutil.FS{"program": fs},
		Session:     []session.Attachable{passwords(l)},
		Exports: []client.ExportEntry{{Type: client.ExporterImage, Attrs: map[string]string{
			"name": l.Registry() + "/made:1", "push": "true", "oci-mediatypes": "true",
		}}},
	}, nil)
	if err != nil {
		return err
	}
	return inRegistry(ctx, l.Registry())
}

// passwords is what a builder may ask a client that holds a lease.
func passwords(l *Lease) session.Attachable {
	return authprovider.NewDockerAuthProvider(authprovider.DockerAuthProviderConfig{
		AuthConfigProvider: func(_ context.Context, host string, _ []string, _ authprovider.ExpireCachedAuthCheck) (types.AuthConfig, error) {
			if host != l.Registry() {
				return types.AuthConfig{}, nil
			}
			user, password := l.Login()
			return types.AuthConfig{Username: user, Password: password}, nil
		},
	})
}

// inRegistry checks that the image that was built is there.
func inRegistry(ctx context.Context, registry string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, "http://"+registry+"/v2/made/manifests/1", nil)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", ocispecs.MediaTypeImageManifest)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the registry has not got the image: %s", res.Status)
	}
	return nil
}

// program builds the step, and gives the directory it is in.
func program(ctx context.Context, t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.CommandContext(ctx, "go", "build", "-o", filepath.Join(dir, "step"), "./testdata/step")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building the step: %v\n%s", err, out)
	}
	return dir
}

func TestABuildInThePrivateBuilderIsInTheRegistryTheNextDay(t *testing.T) {
	ctx, s := newSite(t)
	s.opt.Buildkitd = needBuildkitd(t)
	if err := acquireAndBuild(ctx, s.opt, program(ctx, t)); err != nil {
		t.Fatalf("%v%s", err, tail(s.home.builderLog()))
	}
	s.waitStopped(ctx, t)
	lease := s.acquire(ctx, t)
	if err := inRegistry(ctx, lease.Registry()); err != nil {
		t.Error(err)
	}
	if status, err := Inspect(ctx, s.opt); err != nil || status.Builder != "" {
		t.Errorf("a builder runs though nobody asked for it: %+v, %v", status, err)
	}
}

func TestTheBuilderIsSharedAndStopsWithTheDaemon(t *testing.T) {
	ctx, s := newSite(t)
	s.opt.Buildkitd = needBuildkitd(t)
	first, second := s.acquire(ctx, t), s.acquire(ctx, t)
	one, err := first.Builder(ctx, Trust{})
	if err != nil {
		t.Fatal(err)
	}
	two, err := second.Builder(ctx, Trust{})
	if err != nil || one != two {
		t.Errorf("got %s and %s, %v", one, two, err)
	}
	_, _ = first.Close(), second.Close()
	s.waitStopped(ctx, t)
	refused(t, one)
	if text := tail(s.home.builderLog()); !strings.Contains(text, "stopping server") {
		t.Errorf("it was not stopped cleanly:%s", text)
	}
}

func TestTheBuilderDiesWithItsDaemon(t *testing.T) {
	ctx, s := newSite(t)
	s.opt.Buildkitd = needBuildkitd(t)
	lease := s.acquire(ctx, t)
	if _, err := lease.Builder(ctx, Trust{}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(lease.hello.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	// buildkitd's own lock tells when it is dead.
	if err := waitUnlocked(ctx, filepath.Join(s.home.builderRoot(), "buildkitd.lock")); err != nil {
		t.Fatal(err)
	}
	again := s.acquire(ctx, t)
	if _, err := again.Builder(ctx, Trust{}); err != nil {
		t.Error(err)
	}
}

func TestABuilderThatDiesIsReportedAndStartedAgain(t *testing.T) {
	ctx, s := newSite(t)
	s.opt.Buildkitd = needBuildkitd(t)
	// A script keeps the process id of the buildkitd that it becomes.
	script := filepath.Join(t.TempDir(), "buildkitd")
	pidFile := filepath.Join(t.TempDir(), "pid")
	text := fmt.Sprintf("#!/bin/sh\necho $$ > %s\nexec %s \"$@\"\n", pidFile, s.opt.Buildkitd)
	if err := os.WriteFile(script, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	s.opt.Buildkitd = script
	lease := s.acquire(ctx, t)
	if _, err := lease.Builder(ctx, Trust{}); err != nil {
		t.Fatal(err)
	}
	killFromFile(t, pidFile)
	line := s.log.wait(ctx, t, "buildkitd died")
	if !strings.Contains(line, "killed") || !strings.Contains(line, "\n  | ") {
		t.Errorf("neither the cause nor the log: %s", line)
	}
	if _, err := lease.Builder(ctx, Trust{}); err != nil {
		t.Errorf("the second one: %v", err)
	}
}

func killFromFile(t *testing.T, name string) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Sscan(string(data), &pid); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

func TestABuilderThatDoesNotComeUpIsNamedWithItsLog(t *testing.T) {
	ctx, s := newSite(t)
	script := filepath.Join(t.TempDir(), "buildkitd")
	if err := os.WriteFile(script, []byte("#!/bin/sh\necho no space left on device >&2\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	s.opt.Buildkitd = script
	_, err := s.acquire(ctx, t).Builder(ctx, Trust{})
	if !errors.Is(err, ErrBuilderDied) || !strings.Contains(err.Error(), "no space left on device") {
		t.Errorf("got %v", err)
	}
}

func TestAMissingBuilderIsNamedAcrossTheSocket(t *testing.T) {
	ctx, s := newSite(t)
	s.opt.Buildkitd = "/nowhere/buildkitd"
	_, err := s.acquire(ctx, t).Builder(ctx, Trust{})
	if !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), "/nowhere/buildkitd") {
		t.Errorf("got %v", err)
	}
}

func TestAStoppingDaemonEndsABuilderThatStarts(t *testing.T) {
	ctx, s := newSite(t)
	script := filepath.Join(t.TempDir(), "buildkitd")
	started := filepath.Join(t.TempDir(), "started")
	if err := syscall.Mkfifo(started, 0o600); err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("#!/bin/sh\necho > %s\nexec sleep 1000\n", started)
	if err := os.WriteFile(script, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	s.opt.Buildkitd = script
	lease := s.acquire(ctx, t)
	asked := make(chan error)
	go func() {
		_, err := lease.Builder(ctx, Trust{})
		asked <- err
	}()
	if _, err := os.ReadFile(started); err != nil { // blocks until the script writes
		t.Fatal(err)
	}
	_ = lease.Close()
	if err := <-asked; !errors.Is(err, ErrGone) {
		t.Errorf("got %v", err)
	}
	s.waitStopped(ctx, t)
}

// refused checks that nobody listens on a builder's address any more.
func refused(t *testing.T, address string) {
	t.Helper()
	conn, err := net.Dial("unix", strings.TrimPrefix(address, "unix://"))
	if err == nil {
		_ = conn.Close()
		t.Errorf("somebody still listens on %s", address)
	}
}
