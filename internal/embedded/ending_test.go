package embedded

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/client/llb"
	"github.com/tonistiigi/fsutil"
)

// stepSays is what the step prints that never ends, once it runs: see testdata.
const stepSays = "runs until it is killed"

// byHand starts `serve` in another process. Its end, once it has been asked for it, is given by the function that it returns.
func (s *site) byHand(ctx context.Context, t *testing.T) (end func() (time.Duration, error)) {
	t.Helper()
	cmd := exec.CommandContext(ctx, self(), asServe)
	cmd.Env = append(os.Environ(), HomeEnv+"="+s.opt.Dir, fmt.Sprintf("%s=%d", PortEnv, s.opt.Port), BuildkitdEnv+"="+s.opt.Buildkitd)
	log := lineWriter{s.log}
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return func() (time.Duration, error) {
		asked := time.Now()
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			return 0, err
		}
		select {
		case err := <-ended:
			return time.Since(asked), err
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// lineWriter hands lines to a log.
type lineWriter struct{ *lines }

func (w lineWriter) Write(data []byte) (int, error) {
	for line := range strings.Lines(string(data)) {
		w.add(strings.TrimSpace(line))
	}
	return len(data), nil
}

// solveForEver begins a solve with a step that never ends, and returns once that runs.
func solveForEver(ctx context.Context, t *testing.T, address string) {
	t.Helper()
	c, err := client.New(ctx, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	files, err := fsutil.NewFS(program(ctx, t))
	if err != nil {
		t.Fatal(err)
	}
	image := llb.Scratch().File(llb.Copy(llb.Local("program"), "/step", "/step")).Run(llb.Args([]string{"/step", "forever"})).Root()
	def, err := image.Marshal(ctx)
	if err != nil {
		t.Fatal(err)
	}
	status, solved := make(chan *client.SolveStatus), make(chan error, 1)
	go func() {
		_, err := c.Solve(ctx, def, client.SolveOpt{LocalMounts: map[string]fsutil.FS{"program": files}}, status)
		solved <- err
	}()
	runs := make(chan struct{})
	go func() {
		for s := range status {
			for _, l := range s.Logs {
				if strings.Contains(string(l.Data), stepSays) {
					close(runs)
				}
			}
		}
	}()
	select {
	case <-runs:
	case err := <-solved:
		t.Fatalf("the solve ended: %v", err)
	}
}

// TestServeEndsPromptly asks `serve` to end once, while it serves, and while a step runs that never ends: it takes less than 2 s,
// and neither a step nor a mount is left behind.
func TestServeEndsPromptly(t *testing.T) {
	for _, step := range []bool{false, true} {
		t.Run(fmt.Sprintf("with a step %t", step), func(t *testing.T) {
			ctx, s := newSite(t)
			s.opt.Buildkitd = needBuildkitd(t)
			end := s.byHand(ctx, t)
			address := strings.TrimPrefix(s.log.wait(ctx, t, "buildkitd on unix://"), "buildkitd on ")
			if step {
				solveForEver(ctx, t, address)
			}
			took, err := end()
			if err != nil || took > 2*time.Second {
				t.Errorf("it took %s: %v", took, err)
			}
			mounts, err := os.ReadFile("/proc/self/mountinfo")
			if err != nil || strings.Contains(string(mounts), s.home.builderRoot()+"/") {
				t.Errorf("a mount is left: %v", err)
			}
			for _, p := range processes() {
				if p.name == "step" && p.depth > 1 {
					t.Errorf("the step is left: %+v", p)
				}
			}
		})
	}
}

// TestWaitForSteps: the wait ends with the last container, and at its limit while one runs.
func TestWaitForSteps(t *testing.T) {
	const long = time.Minute // no test may take as long
	for _, tt := range []struct {
		name  string
		runs  []string // containers
		end   []string // those that end meanwhile
		limit time.Duration
		left  bool // whether the limit ends the wait
	}{
		{name: "nothing runs", limit: long},
		{name: "a container that ends", runs: []string{"runc-a/executor/x"}, end: []string{"runc-a/executor/x"}, limit: long},
		{name: "the containers of two workers", runs: []string{"runc-a/executor/x", "runc-b/executor/y"}, end: []string{"runc-a/executor/x", "runc-b/executor/y"}, limit: long},
		{name: "a container that does not end", runs: []string{"runc-a/executor/x", "runc-a/executor/y"}, end: []string{"runc-a/executor/x"}, limit: 50 * time.Millisecond, left: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			root := t.TempDir()
			for _, dir := range append([]string{"runc-a/executor", "runc-b/executor"}, tt.runs...) {
				if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.WriteFile(filepath.Join(root, "runc-a/executor/resolv.conf"), nil, 0o644); err != nil {
				t.Fatal(err)
			}
			begun, ended := time.Now(), make(chan time.Duration)
			go func() {
				waitForSteps(root, tt.limit)
				ended <- time.Since(begun)
			}()
			for _, dir := range tt.end {
				if err := os.Remove(filepath.Join(root, dir)); err != nil {
					t.Fatal(err)
				}
			}
			if took := <-ended; took >= tt.limit != tt.left {
				t.Errorf("it took %s", took)
			}
		})
	}
}
