package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestEmbedded names neither builder nor repository. The client must start, share and stop the private pair.
func TestEmbedded(t *testing.T) {
	t.Parallel()
	p := small(t)
	home, port := t.TempDir(), freePort(t)
	embedded := func(args ...string) *run {
		cmd := start(t, p.dir, append(args, "--base-image", env.base)...)
		cmd.Env = append(cmd.Env, "RTBUILD_HOME="+home, "RTBUILD_REGISTRY_PORT="+port, "RTBUILD_BUILDKITD="+env.Buildkitd, "BUILDKIT_HOST=")
		return cmd
	}
	image := "127.0.0.1:" + port + "/" + strings.ToLower(filepath.Base(p.dir)) + ":oh_v1.0.0_"
	t.Run("scratch, then none", func(t *testing.T) {
		for _, variant := range []string{"scratch", "none"} {
			cmd := embedded("solve", "--progress", "plain")
			res := finish(t, cmd)
			if res.code != 0 || !strings.HasPrefix(res.stdout, image) || !strings.HasPrefix(res.stderr, variant+": ") {
				t.Fatalf("exit code %d, stdout %s: %s", res.code, res.stdout, res.stderr)
			}
		}
	})
	t.Run("Ctrl-C leaves nothing mounted", func(t *testing.T) {
		cmd := embedded("solve", "--progress", "plain", "--extra-deps", "sleep 600")
		onOutput(t, cmd, "[extra]", func() { _ = cmd.Process.Signal(os.Interrupt) })
		if res := finish(t, cmd); res.code != 1 {
			t.Errorf("exit code %d: %s", res.code, res.stderr)
		}
		ended(t, home)
		mounts := string(must(os.ReadFile("/proc/self/mounts"))(t))
		if strings.Contains(mounts, home) {
			t.Errorf("mounted: %s", mounts)
		}
	})
	t.Run("a builder that cannot reach the private registry", func(t *testing.T) {
		cmd := embedded("solve", "--addr", env.builder.Addr)
		res := finish(t, cmd)
		if res.code != 2 || !strings.Contains(res.errorLine(), "--repository") {
			t.Errorf("exit code %d: %s", res.code, res.stderr)
		}
	})
	ended(t, home)
}

// ended waits until the private pair has stopped. The pair holds a lock while it runs.
func ended(t *testing.T, home string) {
	t.Helper()
	lock := must(os.Open(filepath.Join(home, "state", "daemon.lock")))(t)
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
}
