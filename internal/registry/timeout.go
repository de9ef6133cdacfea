package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// maxAttempts is how often a host is asked that is overloaded or breaks the connection.
const maxAttempts = 4

// errSilent is why a wait was given up: nothing came, or not all of it.
var errSilent = errors.New("no complete answer")

// idleTimeout ends what waits for a server that sends nothing. Responses and pieces of them renew it, refusals do not. In all it
// lasts twice the limit at most, so that a server that drips is given up too.
type idleTimeout struct {
	limit time.Duration

	mu    sync.Mutex
	timer *time.Timer
	until time.Time
	end   time.Time
}

type idleTimeoutKey struct{}

// withIdleTimeout returns a context that an idle timeout ends.
func (c *Client) withIdleTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	limited, cancel := context.WithCancelCause(ctx)
	now := time.Now()
	p := &idleTimeout{limit: c.timeout, until: now.Add(c.timeout), end: now.Add(2 * c.timeout)}
	p.timer = time.AfterFunc(c.timeout, func() { cancel(errSilent) })
	limited = context.WithValue(limited, idleTimeoutKey{}, p)
	return limited, func() {
		p.timer.Stop()
		cancel(nil)
	}
}

// idleTimeoutOf returns the idle timeout of a context made by withIdleTimeout, and nil for any other.
func idleTimeoutOf(ctx context.Context) *idleTimeout {
	p, _ := ctx.Value(idleTimeoutKey{}).(*idleTimeout)
	return p
}

// progress renews the timeout.
func (p *idleTimeout) progress() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.until = time.Now().Add(p.limit)
	if p.until.After(p.end) {
		p.until = p.end
	}
	p.timer.Reset(time.Until(p.until))
}

// suspend stops the clock while something else than the server is waited for, until resume is called.
func (p *idleTimeout) suspend() (resume func()) {
	if p == nil {
		return func() {}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.timer.Stop()
	start := time.Now()
	return func() {
		p.mu.Lock()
		p.end = p.end.Add(time.Since(start))
		p.mu.Unlock()
		p.progress()
	}
}

// left is how long may still be waited.
func (p *idleTimeout) left() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Until(p.until)
}

// progressReader is a body whose pieces renew the idle timeout.
type progressReader struct {
	io.Reader
	idleTimeout *idleTimeout
}

// Read implements io.Reader.
func (l *progressReader) Read(b []byte) (int, error) {
	n, err := l.Reader.Read(b)
	if n > 0 {
		l.idleTimeout.progress()
	}
	return n, err
}

// silent is the error of a server that said nothing.
func silent(waited time.Duration) *Error {
	return &Error{Err: ErrUnreachable, Cause: fmt.Errorf("%w within %s", errSilent, waited), Advice: adviceContact}
}

// askPatiently asks a host again while that makes sense: it is overloaded, failing, or breaks the connection, and the
// wait that it or the backoff asks for is within the idle timeout.
func (c *Client) askWithRetries(ctx context.Context, h *host, r request) (*response, error) {
	waits := backoff.NewExponentialBackOff()
	waits.InitialInterval, waits.Multiplier = c.retryBase, 2
	waits.Reset()
	for attempt := 1; ; attempt++ {
		got, err := c.exchange(ctx, h, r)
		var fault *Error
		if !errors.As(err, &fault) || !fault.transient || attempt == maxAttempts {
			return got, err
		}
		wait := max(waits.NextBackOff(), fault.after)
		if wait >= idleTimeoutOf(ctx).left() {
			return nil, fault
		}
		if err := c.pause(ctx, wait); err != nil {
			return nil, err
		}
	}
}

// pause waits, unless the context ends before.
func pause(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
