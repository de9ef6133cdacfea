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

// patience is how long a lookup waits for a server that says nothing. Answers and pieces of them renew it, refusals do
// not, and it is never more than twice the limit in all: a server that drips is given up too.
type patience struct {
	limit time.Duration

	mu    sync.Mutex
	timer *time.Timer
	until time.Time
	end   time.Time
}

type patienceKey struct{}

// patiently gives a context that ends when patience does.
func (c *Client) patiently(ctx context.Context) (context.Context, context.CancelFunc) {
	limited, cancel := context.WithCancelCause(ctx)
	now := time.Now()
	p := &patience{limit: c.timeout, until: now.Add(c.timeout), end: now.Add(2 * c.timeout)}
	p.timer = time.AfterFunc(c.timeout, func() { cancel(errSilent) })
	limited = context.WithValue(limited, patienceKey{}, p)
	return limited, func() {
		p.timer.Stop()
		cancel(nil)
	}
}

// patienceOf gives the patience of a context made by patiently; others have none to lose.
func patienceOf(ctx context.Context) *patience {
	p, _ := ctx.Value(patienceKey{}).(*patience)
	return p
}

// progress renews the patience.
func (p *patience) progress() {
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

// suspend lets time pass that is not the server's, until the function that it returns is called.
func (p *patience) suspend() (resume func()) {
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
func (p *patience) left() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Until(p.until)
}

// lively is a body whose pieces renew the patience.
type lively struct {
	io.Reader
	patience *patience
}

// Read implements io.Reader.
func (l *lively) Read(b []byte) (int, error) {
	n, err := l.Reader.Read(b)
	if n > 0 {
		l.patience.progress()
	}
	return n, err
}

// silent is the error of a server that said nothing.
func silent(waited time.Duration) *Error {
	return &Error{Err: ErrUnreachable, Cause: fmt.Errorf("%w within %s", errSilent, waited), Advice: adviceContact}
}

// askPatiently asks a host again while that makes sense: it is overloaded, failing, or breaks the connection, and the
// wait that it or the backoff asks for is within the patience.
func (c *Client) askPatiently(ctx context.Context, h *host, q question) (*answer, error) {
	waits := backoff.NewExponentialBackOff()
	waits.InitialInterval, waits.Multiplier = c.retryBase, 2
	waits.Reset()
	for attempt := 1; ; attempt++ {
		got, err := c.exchange(ctx, h, q)
		var fault *Error
		if !errors.As(err, &fault) || !fault.transient || attempt == maxAttempts {
			return got, err
		}
		wait := max(waits.NextBackOff(), fault.after)
		if wait >= patienceOf(ctx).left() {
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
