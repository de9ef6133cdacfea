package embedded

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
)

// serve runs a daemon in this process, as the command serve does. stop waits until it has ended.
func (s *site) serve(ctx context.Context, t *testing.T) (stop func()) {
	t.Helper()
	serving, cancel := context.WithCancel(ctx)
	ended := make(chan error)
	go func() { ended <- Serve(serving, s.opt) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func TestServeUntilItIsStopped(t *testing.T) {
	ctx, s := newSite(t)
	s.opt.Buildkitd = needBuildkitd(t)
	stop := s.serve(ctx, t)
	s.log.wait(ctx, t, "registry on "+s.home.registry())
	lease := s.acquire(ctx, t)
	_ = lease.Close()
	s.log.wait(ctx, t, "buildkitd on unix://")
	answers(t, s.home.registry()) // without a client
	held := s.acquire(ctx, t)
	stop()
	<-held.gone
	s.waitStopped(ctx, t)
}

func TestServeWithoutABuilderServesTheRegistry(t *testing.T) {
	ctx, s := newSite(t)
	s.opt.Buildkitd = "/nowhere/buildkitd"
	stop := s.serve(ctx, t)
	s.log.wait(ctx, t, "WARNING: no builder")
	answers(t, s.home.registry())
	stop()
}

func TestServeJoinsADaemonAndOutlivesItsClients(t *testing.T) {
	ctx, s := newSite(t)
	s.opt.Buildkitd = "/nowhere/buildkitd"
	background := s.acquire(ctx, t)
	stop := s.serve(ctx, t)
	s.log.wait(ctx, t, "joined process")
	_ = background.Close()
	answers(t, s.home.registry())
	stop()
	s.waitStopped(ctx, t)
}

func TestServeTakesOverFromADaemonThatEnds(t *testing.T) {
	ctx, s := newSite(t)
	s.opt.Buildkitd = "/nowhere/buildkitd"
	first := s.serve(ctx, t)
	s.log.wait(ctx, t, "registry on ")
	other := *s
	other.log = newLines()
	other.opt.Log = other.log.add
	second := other.serve(ctx, t)
	other.log.wait(ctx, t, "joined process")
	first()
	other.log.wait(ctx, t, "data in ")
	answers(t, s.home.registry())
	second()
}

func TestServeFailsIfItsRegistryDoes(t *testing.T) {
	ctx, s := newSite(t)
	broken := errors.New("broken storage")
	s.opt.Handler = func(context.Context, string) (http.Handler, error) { return nil, broken }
	if err := Serve(ctx, s.opt); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	s.opt.Handler = nil
	if err := Serve(ctx, s.opt); err == nil {
		t.Error("no error without a registry")
	}
}
