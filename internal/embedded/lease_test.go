package embedded

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

func TestLastClientStopsTheDaemon(t *testing.T) {
	ctx, s := newSite(t)
	first := s.acquire(ctx, t)
	second := s.acquire(ctx, t)
	if first.hello.PID != second.hello.PID || first.hello.PID == os.Getpid() {
		t.Errorf("daemons are %d and %d, we are %d", first.hello.PID, second.hello.PID, os.Getpid())
	}
	if first.Registry() != s.home.registry() {
		t.Errorf("registry on %s, want %s", first.Registry(), s.home.registry())
	}
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	answers(t, second.Registry())
	if err := second.Close(); err != nil {
		t.Error(err)
	}
	s.waitStopped(ctx, t)
	if _, err := os.Stat(s.home.socket()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
}

func TestManyClientsStartOneDaemon(t *testing.T) {
	ctx, s := newSite(t)
	var wg sync.WaitGroup
	leases := make([]*Lease, 8)
	for i := range leases {
		wg.Go(func() {
			var err error
			if leases[i], err = Acquire(ctx, s.opt); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, l := range leases {
		if l == nil {
			continue
		}
		if l.hello.PID != leases[0].hello.PID {
			t.Errorf("daemons %d and %d", l.hello.PID, leases[0].hello.PID)
		}
		answers(t, l.Registry())
		defer l.Close()
	}
}

// In each round, the first client finds a daemon that is stopping, or has just stopped.
func TestAcquireWhileADaemonStops(t *testing.T) {
	ctx, s := newSite(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 5 {
				l, err := Acquire(ctx, s.opt)
				if err != nil {
					t.Error(err)
					return
				}
				answers(t, l.Registry())
				_ = l.Close()
			}
		})
	}
	wg.Wait()
}

func TestKilledClientReleasesItsLease(t *testing.T) {
	ctx, s := newSite(t)
	client := s.client(ctx, t)
	if err := client.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	s.waitStopped(ctx, t)
}

func TestDaemonOutlivesItsFirstClient(t *testing.T) {
	ctx, s := newSite(t)
	client := s.client(ctx, t)
	lease := s.acquire(ctx, t)
	if err := client.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = client.Wait()
	answers(t, lease.Registry())
}

func TestKilledDaemonIsReplaced(t *testing.T) {
	ctx, s := newSite(t)
	old := s.acquire(ctx, t)
	if err := syscall.Kill(old.hello.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-old.gone
	if _, err := old.Builder(ctx, Trust{}); !errors.Is(err, ErrGone) {
		t.Errorf("got %v, want ErrGone", err)
	}
	fresh := s.acquire(ctx, t)
	if fresh.hello.PID == old.hello.PID {
		t.Error("the dead daemon answered")
	}
	answers(t, fresh.Registry())
}

func TestPortTaken(t *testing.T) {
	ctx, s := newSite(t)
	listener, err := net.Listen("tcp", s.home.registry())
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, err = Acquire(ctx, s.opt)
	if !errors.Is(err, ErrPortTaken) {
		t.Fatalf("got %v, want ErrPortTaken", err)
	}
	for _, part := range []string{s.home.registry(), PortEnv} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not name %s", err, part)
		}
	}
	status, err := Inspect(ctx, s.opt)
	if err != nil || status.Running || !errors.Is(status.Problem, ErrPortTaken) {
		t.Errorf("status %+v, %v", status, err)
	}
}

func TestDaemonThatDoesNotStart(t *testing.T) {
	ctx, s := newSite(t)
	s.opt.Command = []string{"/bin/sh", "-c", "echo it went wrong; exit 3"}
	_, err := Acquire(ctx, s.opt)
	if !errors.Is(err, ErrGone) || !strings.Contains(err.Error(), "it went wrong") {
		t.Errorf("got %v", err)
	}
}

func TestNoCommand(t *testing.T) {
	ctx, s := newSite(t)
	s.opt.Command = nil
	if l, err := Acquire(ctx, s.opt); !errors.Is(err, errNoDaemon) {
		t.Errorf("got %v, %v", l, err)
	}
}

func TestInterruptedAcquire(t *testing.T) {
	ctx, s := newSite(t)
	start, err := takeLock(ctx, s.home.startLock()) // another process is starting a daemon
	if err != nil {
		t.Fatal(err)
	}
	defer start.release()
	why := errors.New("interrupted")
	interrupted, cancel := context.WithCancelCause(ctx)
	cancel(why)
	if _, err := Acquire(interrupted, s.opt); !errors.Is(err, why) {
		t.Errorf("got %v", err)
	}
}

func TestInspectOfARunningDaemon(t *testing.T) {
	ctx, s := newSite(t)
	lease := s.acquire(ctx, t)
	status, err := Inspect(ctx, s.opt)
	if err != nil {
		t.Fatal(err)
	}
	if !status.Running || status.PID != lease.hello.PID || status.Builder != "" || status.Problem != nil {
		t.Errorf("status %+v", status)
	}
}

func TestInspectWaitsForADaemonThatStops(t *testing.T) {
	ctx, s := newSite(t)
	_ = s.acquire(ctx, t).Close()
	status, err := Inspect(ctx, s.opt)
	if err != nil || status.Problem != nil { // the daemon runs or has ended, but must not look like another program
		t.Errorf("status %+v, %v", status, err)
	}
}

func TestRelativePathsReachTheDaemon(t *testing.T) {
	ctx, s := newSite(t)
	t.Chdir(filepath.Dir(s.opt.Dir))
	t.Setenv(HomeEnv, filepath.Base(s.opt.Dir))
	s.opt.Dir = ""
	lease := s.acquire(ctx, t)
	if status, err := Inspect(ctx, s.opt); err != nil || status.PID != lease.hello.PID {
		t.Errorf("status %+v, %v", status, err)
	}
}
