package embedded

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"
)

// server is the registry's HTTP server.
type server struct {
	token  string // for writing
	http   *http.Server
	failed chan error // receives the error if the server ends by itself
}

// newServer starts the registry.
func newServer(ctx context.Context, h *home, opt Options) (*server, error) {
	if opt.Handler == nil {
		return nil, errors.New("no registry to serve")
	}
	token, err := h.readToken()
	if err != nil {
		return nil, err
	}
	listener, err := h.listen(ctx)
	if err != nil {
		return nil, err
	}
	s, err := h.serve(ctx, listener, token, opt)
	if err != nil {
		_ = listener.Close()
		return nil, fmt.Errorf("starting the private registry: %w", err)
	}
	return s, nil
}

// serve starts the registry on a listener.
func (h *home) serve(ctx context.Context, listener net.Listener, token string, opt Options) (*server, error) {
	if err := h.keepPort(); err != nil {
		return nil, err
	}
	// The registry must not end with ctx: the builder may push until it has stopped.
	handler, err := opt.Handler(context.WithoutCancel(ctx), h.registryRoot())
	if err != nil {
		return nil, err
	}
	log, err := newLog(h.registryLog())
	if err != nil {
		return nil, err
	}
	guarded := &guard{next: handler, port: strconv.Itoa(h.port.number), token: token}
	s := &server{token: token, http: &http.Server{Handler: logged(guarded, log), ReadHeaderTimeout: time.Minute}, failed: make(chan error, 1)}
	go func() {
		defer log.Close()
		if err := s.http.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.failed <- fmt.Errorf("the private registry: %w", err)
		}
	}()
	return s, nil
}

// stop waits for running requests until the limit, and closes the server.
func (s *server) stop(limit time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if s.http.Shutdown(ctx) != nil {
		_ = s.http.Close()
	}
}
