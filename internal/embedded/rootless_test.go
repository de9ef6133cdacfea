package embedded

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// testUser is the normal user for tests that run as root. useradd gives it subordinate ids.
const testUser = "rtbuild-test"

func TestANormalUserBuilds(t *testing.T) {
	ctx, s := newSite(t)
	cmd := asNormalUser(ctx, t, s.opt.Port)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

func TestANormalUsersBuilderDiesWithItsDaemon(t *testing.T) {
	ctx, s := newSite(t)
	cmd := asNormalUser(ctx, t, s.opt.Port)
	cmd.Args = []string{cmd.Path, asServe}
	out, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var seen strings.Builder
	buf := make([]byte, 4096)
	for !strings.Contains(seen.String(), "buildkitd on unix://") {
		n, err := out.Read(buf)
		if err != nil {
			t.Fatalf("%v: %s", err, seen.String())
		}
		seen.Write(buf[:n])
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	root := filepath.Join(strings.TrimPrefix(cmd.Env[0], HomeEnv+"="), "data", "buildkit")
	if err := waitUnlocked(ctx, filepath.Join(root, "buildkitd.lock")); err != nil {
		t.Fatal(err)
	}
}

// asNormalUser returns a command that takes a lease and builds as a normal user.
func asNormalUser(ctx context.Context, t *testing.T, port int) *exec.Cmd {
	t.Helper()
	dir, err := os.MkdirTemp("", "rtbuild-rootless-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := waitUnlocked(ctx, filepath.Join(dir, "home/rtbuild/state/daemon.lock")); err != nil {
			t.Errorf("a daemon still lives: %v", err)
		}
		removeMapped(t, dir)
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	home := filepath.Join(dir, "home")
	if err := os.Mkdir(home, 0o700); err != nil {
		t.Fatal(err)
	}
	binary, daemon := filepath.Join(dir, "test"), filepath.Join(dir, "buildkitd")
	copyFile(t, self(), binary)
	copyFile(t, needBuildkitd(t), daemon)
	step := filepath.Join(dir, "program")
	if err := os.Mkdir(step, 0o755); err != nil {
		t.Fatal(err)
	}
	copyFile(t, filepath.Join(program(ctx, t), "step"), filepath.Join(step, "step"))
	cmd := exec.CommandContext(ctx, binary, asBuild, step)
	cmd.Dir = "/"
	cmd.Env = []string{
		HomeEnv + "=" + filepath.Join(home, "rtbuild"), "HOME=" + home, "PATH=/usr/bin:/bin",
		PortEnv + "=" + strconv.Itoa(port), BuildkitdEnv + "=" + daemon,
	}
	if os.Geteuid() == 0 {
		become(ctx, t, cmd, home)
	}
	return cmd
}

// become makes a command run as the test user, with this home.
func become(ctx context.Context, t *testing.T, cmd *exec.Cmd, home string) {
	t.Helper()
	u, err := user.Lookup(testUser)
	if err != nil {
		if out, err := exec.CommandContext(ctx, "useradd", "--no-create-home", testUser).CombinedOutput(); err != nil {
			t.Fatalf("useradd: %v\n%s", err, out)
		}
		if u, err = user.Lookup(testUser); err != nil {
			t.Fatal(err)
		}
	}
	var uid, gid int
	if _, err := fmt.Sscan(u.Uid+" "+u.Gid, &uid, &gid); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(home, uid, gid); err != nil {
		t.Fatal(err)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
}

// removeMapped removes a directory with files of subordinate ids. Only root may do that, or the owner in a user namespace.
func removeMapped(t *testing.T, dir string) {
	if os.RemoveAll(dir) == nil {
		return
	}
	if out, err := exec.Command("rootlesskit", "rm", "-rf", dir).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
