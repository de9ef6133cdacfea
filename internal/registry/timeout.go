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

// maxAttempts is how often a request is sent to a host that is overloaded or breaks the connection.
const maxAttempts = 4

// errNoResponse is the cause of a timeout: no response came, or only a part of it.
var errNoResponse = errors.New("no complete response")

// idleTimeout cancels a context when a server stops sending. Responses and parts of them renew it, error responses do not.
// It ends after twice the limit in any case, so that a very slow server does not hold up the client for ever.
type idleTimeout struct {
	limit time.Duration

	mu    sync.Mutex
	timer *time.Timer
	until time.Time
	end   time.Time
}

type idleTimeoutKey struct{}

// withIdleTimeout calls run with a context that an idle timeout cancels. If the timeout ends the call, the error says so.
func withIdleTimeout[T any](ctx context.Context, c *Client, t *target, run func(context.Context) (T, error)) (T, error) {
	limited, cancel := c.withIdleTimeout(ctx)
	defer cancel()
	got, err := run(limited)
	if err == nil || ctx.Err() == nil && limited.Err() == nil {
		return got, err
	}
	if ctx.Err() != nil {
		var none T
		return none, ctx.Err()
	}
	var fault *Error
	if errors.As(err, &fault) {
		return got, err // the request failed before the timeout
	}
	return got, t.withOp(noResponse(c.timeout))
}

// withIdleTimeout returns a context that an idle timeout cancels.
func (c *Client) withIdleTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	limited, cancel := context.WithCancelCause(ctx)
	now := time.Now()
	p := &idleTimeout{limit: c.timeout, until: now.Add(c.timeout), end: now.Add(2 * c.timeout)}
	p.timer = time.AfterFunc(c.timeout, func() { cancel(errNoResponse) })
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

// suspend stops the clock until resume is called. Call it before waiting for anything but the server.
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

// left returns the time until the timeout.
func (p *idleTimeout) left() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Until(p.until)
}

// progressReader reads a body. Each read that returns data renews the idle timeout.
type progressReader struct {
	io.Reader
	idleTimeout *idleTimeout
}

// Read implements io.Reader.
func (r *progressReader) Read(b []byte) (int, error) {
	n, err := r.Reader.Read(b)
	if n > 0 {
		r.idleTimeout.progress()
	}
	return n, err
}

// noResponse returns the error for a server that sent no complete response in time.
func noResponse(waited time.Duration) *Error {
	return &Error{Err: ErrUnreachable, Cause: fmt.Errorf("%w within %s", errNoResponse, waited), Advice: adviceContact}
}

// mirrorTimeout is the timeout for a mirror. It is short, so that time is left for the registry itself.
func (c *Client) mirrorTimeout() time.Duration { return min(c.timeout/3, 10*time.Second) }

// withRetries repeats try while its error is transient. It stops after maxAttempts, or when the delay that the host or the
// backoff asks for is longer than what left returns.
func withRetries[T any](ctx context.Context, c *Client, left func() time.Duration, try func() (*T, error)) (*T, error) {
	delays := c.newBackoff()
	for attempt := 1; ; attempt++ {
		got, err := try()
		var fault *Error
		if !errors.As(err, &fault) || !fault.transient || attempt == maxAttempts {
			return got, err
		}
		wait := max(delays.NextBackOff(), fault.after)
		if wait >= left() {
			return nil, fault
		}
		if err := c.pause(ctx, wait); err != nil {
			return nil, err
		}
	}
}

func (c *Client) newBackoff() *backoff.ExponentialBackOff {
	delays := backoff.NewExponentialBackOff()
	delays.InitialInterval, delays.Multiplier = c.retryBase, 2
	delays.Reset()
	return delays
}

// pause waits for a duration, or returns the context's error if that ends first.
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
