package embedded

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"time"
)

// server is the registry's HTTP server.
type server struct {
	http   *http.Server
	failed chan error // why it ended, if nobody asked it to
}

// newServer makes the registry and lets it answer.
func newServer(ctx context.Context, h *home, opt Options) (*server, error) {
	if opt.Handler == nil {
		return nil, errors.New("no registry to serve")
	}
	listener, err := listen(ctx, h)
	if err != nil {
		return nil, err
	}
	// The registry outlives ctx: it takes what the builder pushes until that has stopped.
	handler, err := opt.Handler(context.WithoutCancel(ctx), h.registryRoot())
	if err != nil {
		_ = listener.Close()
		return nil, fmt.Errorf("starting the private registry: %w", err)
	}
	log, err := newLog(h.registryLog())
	if err != nil {
		_ = listener.Close()
		return nil, fmt.Errorf("starting the private registry: %w", err)
	}
	s := &server{http: &http.Server{Handler: logged(handler, log), ReadHeaderTimeout: time.Minute}, failed: make(chan error, 1)}
	go func() {
		defer log.Close()
		if err := s.http.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.failed <- fmt.Errorf("the private registry: %w", err)
		}
	}()
	return s, nil
}

// listen takes the registry's port.
func listen(ctx context.Context, h *home) (net.Listener, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", h.registry())
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("another program listens on %s, the private registry's address (%w): stop it, or set %s to a free port, "+
			"and keep it: the images' references contain it; or name a registry with --repository", h.registry(), ErrPortTaken, PortEnv)
	}
	if err != nil {
		return nil, fmt.Errorf("listening on the private registry's address: %w", err)
	}
	return listener, nil
}

// stop waits for requests under way, but not for ever.
func (s *server) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), drain)
	defer cancel()
	if s.http.Shutdown(ctx) != nil {
		_ = s.http.Close()
	}
}
