package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"sync"
)

// Lease keeps the private registry and builder alive until it is closed or its process ends.
type Lease struct {
	hello *hello
	peer  *peer
	opt   Options
	log   string // the daemon's log file

	mu      sync.Mutex // one request at a time
	replies chan message
	gone    chan struct{} // closed when the connection is
}

// Acquire joins the daemon that runs, or starts one by Options.Command. The registry answers when it returns.
func Acquire(ctx context.Context, opt Options) (*Lease, error) {
	h, err := newHome(opt)
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

// moved says why the registry is not where it was expected.
func (h *home) moved(address string) string {
	if h.port.kept {
		return fmt.Sprintf("the private registry already runs on %s: it keeps that address until it is stopped", address)
	}
	return fmt.Sprintf("another program listens on %s: the private registry is on %s from now on, as %s says", h.registry(), address, h.portFile())
}

// startOrJoin starts a daemon, unless another client was quicker.
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

// join connects to the daemon that runs.
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
	waiting, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("%s does not answer; its log is %s", h.socket(), h.daemonLog()))
	defer cancel()
	return newLease(waiting, newPeer(conn), h, opt)
}

// newLease waits for the greeting.
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

// read takes what the daemon says until the connection ends.
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
		default: // to a request that was given up
		}
	}
}

// Registry is the registry's host and port, on loopback.
func (l *Lease) Registry() string { return l.hello.Registry }

// Login is the user and the password with which the registry is written to. They are for the private builder and this
// process alone.
func (l *Lease) Login() (user, password string) { return User, l.hello.Token }

// Builder starts the private buildkitd if it does not run with this trust, and gives its address when it answers. The
// error is ErrMissing if something it needs is not there, ErrBuilderDied if it did not come up, ErrBusy if other clients
// use one with another trust, ErrGone if the daemon has ended.
func (l *Lease) Builder(ctx context.Context, trust Trust) (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.replies: // came after its request was given up
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

// Err returns nil as long as the daemon lives, and else ErrGone. What the registry said is the daemon's own answer only if this is nil
// afterwards: another program may listen on a port that has become free.
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

// Close gives the lease back. It does not wait for what the last lease's end sets off.
func (l *Lease) Close() error {
	err := l.peer.conn.Close()
	<-l.gone
	return err
}
