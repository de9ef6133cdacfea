package embedded

import (
	"bufio"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

func TestUsersStartWithDifferentPorts(t *testing.T) {
	for uid, want := range map[int]int{0: 5790, 1000: 6790, 1001: 6791, 65534: 11324, -1: 5790, 20000: 5790} {
		if got := defaultPort(uid, 0); got != want {
			t.Errorf("user %d has %d, want %d", uid, got, want)
		}
	}
	seen := map[int]bool{}
	for taken := range portTries {
		number := defaultPort(1000, taken)
		if seen[number] || number < firstPort || number >= firstPort+portRange {
			t.Errorf("try %d is port %d", taken, number)
		}
		seen[number] = true
	}
}

// unnamedPort makes a home without a named port.
func unnamedPort(t *testing.T) (context.Context, *site) {
	t.Helper()
	t.Setenv(PortEnv, "")
	ctx, s := newSite(t)
	s.opt.Port = 0
	s.again(t)
	return ctx, s
}

// again reads the home again, as the next process does.
func (s *site) again(t *testing.T) {
	t.Helper()
	var err error
	if s.home, err = newHome(s.opt); err != nil {
		t.Fatal(err)
	}
}

// Homes of one user start with the same port, like users whose ids are 20,000 apart.
func TestHomesOfOneUserGetDifferentPorts(t *testing.T) {
	ctx, one := unnamedPort(t)
	_, other := unnamedPort(t)
	first, second := one.acquire(ctx, t), other.acquire(ctx, t)
	if first.Registry() == second.Registry() {
		t.Fatalf("both are on %s", first.Registry())
	}
	if !strings.Contains(other.log.wait(ctx, t, "from now on"), second.Registry()) {
		t.Error("nobody says where the registry is")
	}
	answers(t, first.Registry())
	answers(t, second.Registry())
	if status, err := Inspect(ctx, other.opt); err != nil || status.Registry != second.Registry() {
		t.Errorf("status %+v, %v", status, err)
	}
	_, _ = first.Close(), second.Close()
	for s, want := range map[*site]string{other: second.Registry(), one: first.Registry()} {
		s.again(t)
		s.waitStopped(ctx, t)
		lease := s.acquire(ctx, t) // alone, and in whatever order
		if lease.Registry() != want {
			t.Errorf("the next day it is on %s, was on %s", lease.Registry(), want)
		}
		_ = lease.Close()
	}
}

func TestKeptPortDoesNotChange(t *testing.T) {
	tests := []struct {
		name string
		make func(h *home, free int) error
	}{
		{"it was written down", func(h *home, free int) error {
			return os.WriteFile(h.portFile(), []byte(strconv.Itoa(free)+"\n"), 0o600)
		}},
		{"by an older version, which did not write it down", func(h *home, _ int) error { return os.Mkdir(h.registryRoot(), 0o700) }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			ctx, s := newSite(t)
			t.Setenv(PortEnv, "")
			s.opt.Port = 0
			if err := test.make(s.home, freePort(t)); err != nil {
				t.Fatal(err)
			}
			s.again(t)
			if listener, err := net.Listen("tcp", s.home.registry()); err == nil { // else somebody has it already
				defer listener.Close()
			}
			_, err := Acquire(ctx, s.opt)
			if !errors.Is(err, ErrPortTaken) || !strings.Contains(err.Error(), s.home.registry()) || !strings.Contains(err.Error(), s.home.portFile()) {
				t.Errorf("got %v", err)
			}
			s.home.port.number = freePort(t) // for the check that nothing runs
		})
	}
}

func TestInvalidPortFile(t *testing.T) {
	_, s := newSite(t)
	t.Setenv(PortEnv, "")
	s.opt.Port = 0
	for _, text := range []string{"", "http", "0", "65536", "-1"} {
		if err := os.WriteFile(s.home.portFile(), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := newHome(s.opt); err == nil || !strings.Contains(err.Error(), s.home.portFile()) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestNamedPortIsNotKept(t *testing.T) {
	ctx, s := newSite(t)
	_ = s.acquire(ctx, t)
	if _, err := os.Stat(s.home.portFile()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// A socket in another user's directory belongs to that user's daemon, which could name any registry.
func TestSocketOfAnotherUserIsRefused(t *testing.T) {
	for name, which := range map[string]func(*home) string{
		"state": func(h *home) string { return h.state }, "run": func(h *home) string { return h.run },
	} {
		t.Run(name, func(t *testing.T) {
			ctx, s := newSite(t)
			dir := which(s.home)
			if err := os.Chmod(dir, 0o777); err != nil {
				t.Fatal(err)
			}
			listener, err := net.Listen("unix", s.home.socket())
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close()
			if l, err := Acquire(ctx, s.opt); err == nil || !strings.Contains(err.Error(), dir) {
				t.Errorf("got %v, %v", l, err)
			}
			if status, err := Inspect(ctx, s.opt); err != nil || status.Running || status.Problem == nil {
				t.Errorf("status %+v, %v", status, err)
			}
			if err := os.Chmod(dir, 0o700); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// asUser returns a command that runs as another user, with a home that it can write to.
func asUser(ctx context.Context, t *testing.T, uid int, args ...string) *exec.Cmd {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can become other users")
	}
	dir, err := os.MkdirTemp("", "rtbuild-other-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := waitUnlocked(ctx, filepath.Join(dir, ".local/state/rtbuild/daemon.lock")); err != nil {
			t.Errorf("a daemon still lives: %v", err)
		}
		_ = os.RemoveAll(dir)
	})
	binary := filepath.Join(dir, "test")
	copyFile(t, self(), binary)
	if err := os.Chown(dir, uid, uid); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Dir, cmd.Env = "/", []string{"HOME=" + dir, "PATH=/usr/bin:/bin"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
	return cmd
}

func TestUsersWithTheSameFirstPort(t *testing.T) {
	ctx, s := unnamedPort(t)
	lease := s.acquire(ctx, t)
	other := asUser(ctx, t, portRange, asClient) // its first port is root's
	out, err := other.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || strings.TrimSpace(address) == lease.Registry() {
		t.Errorf("the other user's is on %q, ours on %s: %v", address, lease.Registry(), err)
	}
	answers(t, strings.TrimSpace(address))
	answers(t, lease.Registry())
	_ = other.Process.Kill()
	_ = other.Wait()
	_ = lease.Close()
	s.again(t)
}

func TestAnotherUserCannotWriteToTheRegistry(t *testing.T) {
	ctx, s := newSite(t)
	lease := s.acquire(ctx, t)
	for dir := s.opt.Dir; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil { // the state directory must be enough
			t.Fatal(err)
		}
	}
	out, err := asUser(ctx, t, 65534, asThief, s.home.tokenFile(), s.home.socket(), lease.Registry()).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	want := "token: permission denied\nsocket: permission denied\nwrite: 401\nread: 200\n"
	if string(out) != want {
		t.Errorf("got\n%swant\n%s", out, want)
	}
}
