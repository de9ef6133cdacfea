package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"sync"
)

// Lease keeps the private pair running until Close, or until its process ends.
type Lease struct {
	hello *hello
	peer  *peer
	opt   Options
	log   string // the daemon's log file

	mu      sync.Mutex // one request at a time
	replies chan message
	gone    chan struct{} // closed with the connection
}

// Acquire returns a lease on the running daemon, or starts one with Options.Command. The registry is ready when Acquire returns.
// The error wraps ErrPortTaken if another program has the registry's port.
func Acquire(ctx context.Context, opt Options) (*Lease, error) {
	h, err := supportedHome(opt)
	if err != nil {
		return nil, err
	}
	if err := h.make(); err != nil {
		return nil, err
	}
	l, err := join(ctx, h, opt)
	if errors.Is(err, errNoDaemon) {
		l, err = startOrJoin(ctx, h, opt)
	}
	if err != nil {
		return nil, fmt.Errorf("the private registry and builder: %w", err)
	}
	if l.Registry() != h.registry() {
		opt.log(h.moved(l.Registry()))
	}
	return l, nil
}

// moved returns a message that says why the registry has another address than expected.
func (h *home) moved(address string) string {
	if h.port.kept {
		return fmt.Sprintf("the private registry is already running on %s: it keeps this address until it stops", address)
	}
	return fmt.Sprintf("another program listens on %s: the private registry's address is %s from now on; its port is in %s", h.registry(), address, h.portFile())
}

// startOrJoin starts a daemon, unless another client has started one meanwhile.
func startOrJoin(ctx context.Context, h *home, opt Options) (*Lease, error) {
	start, err := takeLock(ctx, h.startLock())
	if err != nil {
		return nil, err
	}
	defer start.release()
	l, err := join(ctx, h, opt)
	if errors.Is(err, errNoDaemon) {
		return spawn(ctx, h, opt, start)
	}
	return l, err
}

// join returns a lease on the running daemon. The error wraps errNoDaemon if none runs.
func join(ctx context.Context, h *home, opt Options) (*Lease, error) {
	if err := h.check(); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, errors.Join(errNoDaemon, err)
		}
		return nil, err
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", h.socket())
	if err != nil {
		return nil, errors.Join(errNoDaemon, err)
	}
	waiting, cancel := context.WithTimeoutCause(ctx, ioTimeout, fmt.Errorf("%s does not respond; its log is %s", h.socket(), h.daemonLog()))
	defer cancel()
	return newLease(waiting, newPeer(conn), h, opt)
}

// newLease waits for the daemon's greeting.
func newLease(ctx context.Context, p *peer, h *home, opt Options) (*Lease, error) {
	hello, err := p.greeting(ctx)
	if err != nil {
		p.close()
		return nil, err
	}
	l := &Lease{hello: hello, peer: p, opt: opt, log: h.daemonLog(), replies: make(chan message, 1), gone: make(chan struct{})}
	go l.read()
	return l, nil
}

// read receives the daemon's messages until the connection ends.
func (l *Lease) read() {
	defer close(l.gone)
	for {
		var m message
		if err := l.peer.in.Decode(&m); err != nil {
			return
		}
		if m.Notice != "" {
			l.opt.log(m.Notice)
			continue
		}
		select {
		case l.replies <- m:
		default: // the caller has stopped waiting for this reply
		}
	}
}

// Registry returns the registry's host and port, on loopback.
func (l *Lease) Registry() string { return l.hello.Registry }

// Login returns the user and the password for writing to the registry. Only the private builder and this process may have them.
func (l *Lease) Login() (user, password string) { return User, l.hello.Token }

// Builder starts the private buildkitd, unless it runs with this trust, and returns its address when it is ready. The error wraps
// ErrMissing if the machine lacks something that it needs, ErrBuilderDied if it did not start, ErrBusy if other clients use one
// with another trust, and ErrGone if the daemon has ended. If ctx ends, the error is its cause.
func (l *Lease) Builder(ctx context.Context, trust Trust) (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.replies: // a late reply to a request whose caller has stopped waiting
	default:
	}
	if err := l.peer.send(request{Builder: true, Trust: trust}); err != nil {
		return "", l.lost()
	}
	select {
	case m := <-l.replies:
		if m.Error != nil {
			return "", m.Error
		}
		return m.Address, nil
	case <-l.gone:
		return "", l.lost()
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

// Err returns nil while the daemon runs, and later an error that wraps ErrGone. Call it after each response of the registry: if the
// daemon has ended, another program may have sent the response.
func (l *Lease) Err() error {
	select {
	case <-l.gone:
		return l.lost()
	default:
		return nil
	}
}

func (l *Lease) lost() error {
	return fmt.Errorf("the private registry and builder (process %d) have ended; their log is %s: %w", l.hello.PID, l.log, ErrGone)
}

// Close ends the lease. If it was the last one, the daemon stops; Close does not wait for that.
func (l *Lease) Close() error {
	err := l.peer.conn.Close()
	<-l.gone
	return err
}
