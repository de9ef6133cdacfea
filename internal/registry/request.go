package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"

	"github.com/containerd/containerd/v2/core/remotes/docker"
)

// maxRefusal is how much of an error's body is read, in bytes.
const maxRefusal = 64 << 10

// question is one request of the registry API, whichever host is asked.
type question struct {
	doing      string
	method     string
	registry   string
	repository string
	reference  string // for messages
	parts      []string
	header     http.Header // beside what every request has
	scope      string
	needs      docker.HostCapabilities
	limit      int64                // of the body, in bytes
	check      func(*answer) *Error // of a successful answer: what is wrong with it, or nil

	body        *bytes.Reader // what is sent, of contentType; nil is nothing
	contentType string
}

// answer is what a host said to a question, with a status below 300.
type answer struct {
	from   *host
	status int
	header http.Header
	body   []byte
	sent   *http.Request // the last one, after redirects
}

// ask puts a question to the hosts in order. Mirrors are asked once each; the last host decides, after retries.
func (c *Client) ask(ctx context.Context, hosts []*host, q question) (*answer, error) {
	able := make([]*host, 0, len(hosts))
	for _, h := range hosts {
		if h.Capabilities.Has(q.needs) {
			able = append(able, h)
		}
	}
	var tried []string
	for i, h := range able {
		var (
			got *answer
			err error
		)
		if i < len(able)-1 {
			got, err = c.askMirror(ctx, h, q)
		} else {
			got, err = c.askPatiently(ctx, h, q)
		}
		var fault *Error
		if err == nil || !errors.As(err, &fault) {
			return got, err // an answer, or the context's end
		}
		if i < len(able)-1 {
			tried = append(tried, "mirror "+h.Host+": "+fault.short())
			continue
		}
		fault.tried = tried
		return nil, q.blame(fault)
	}
	return nil, q.blame(&Error{
		Err:    ErrUnreachable,
		Cause:  errors.New("hosts.toml names no host that may be asked this"),
		Advice: "check the capabilities in hosts.toml",
	})
}

// askMirror asks once, and not for long.
func (c *Client) askMirror(ctx context.Context, h *host, q question) (*answer, error) {
	limited, cancel := context.WithTimeoutCause(ctx, c.mirrorPatience(), errSilent)
	defer cancel()
	got, err := c.exchange(limited, h, q)
	if err != nil && ctx.Err() == nil && errors.Is(context.Cause(limited), errSilent) {
		return nil, silent(c.mirrorPatience())
	}
	return got, err
}

// short is an error without what everybody knows: what was asked and what to do.
func (e *Error) short() string {
	brief := *e
	brief.Advice, brief.tried = "", nil
	return strings.TrimPrefix(brief.Error(), brief.Doing+" "+brief.subject()+": ")
}

// blame says in an error what was being done.
func (q question) blame(e *Error) *Error {
	e.Doing, e.Registry, e.Repository, e.Reference = q.doing, q.registry, q.repository, q.reference
	return e
}

// exchange sends a question to one host and reads the answer. The error is an *Error, or the context's.
func (c *Client) exchange(ctx context.Context, h *host, q question) (*answer, error) {
	resp, err := c.accepted(ctx, h, q)
	if err != nil {
		return nil, err
	}
	got, err := c.read(ctx, h, resp, q)
	if err != nil {
		return nil, err
	}
	if fault := q.check(got); fault != nil {
		return nil, fault
	}
	return got, nil
}

// accepted sends a question to one host, authentication included, until it gives a status below 300. The error is an *Error, or the
// context's.
func (c *Client) accepted(ctx context.Context, h *host, q question) (*http.Response, error) {
	gate := h.authorizerFor(q.scope)
	ctx = docker.WithScope(ctx, q.scope)
	var refused []*http.Response
	for {
		resp, err := c.send(ctx, h, gate, q)
		if err != nil {
			return nil, c.failure(ctx, h, err)
		}
		if resp.StatusCode < http.StatusMultipleChoices {
			return resp, nil
		}
		body, err := io.ReadAll(io.LimitReader(resp.Body, maxRefusal))
		_ = resp.Body.Close()
		if err != nil && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if resp.StatusCode == http.StatusUnauthorized {
			refused = append(refused, resp)
			if gate.challenge(ctx, refused) {
				continue
			}
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
		}
		who := func() login { return h.login(ctx, q.repository) }
		return nil, h.statusError(who, resp.StatusCode, resp.Header, body)
	}
}

// send makes one request.
func (c *Client) send(ctx context.Context, h *host, gate *authorizer, q question) (*http.Response, error) {
	req, err := q.request(ctx, h)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", userAgent)
	for name, values := range h.Header {
		req.Header[name] = append(req.Header[name], values...)
	}
	maps.Copy(req.Header, q.header)
	if err := gate.authorize(ctx, req); err != nil {
		return nil, err
	}
	return h.Client.Do(req)
}

// request makes the request of one try: a body is sent from its beginning.
func (q question) request(ctx context.Context, h *host) (*http.Request, error) {
	if q.body == nil {
		return http.NewRequestWithContext(ctx, q.method, h.url(q.repository, q.parts...), nil)
	}
	whole := *q.body
	req, err := http.NewRequestWithContext(ctx, q.method, h.url(q.repository, q.parts...), &whole)
	if err == nil {
		req.Header.Set("Content-Type", q.contentType)
	}
	return req, err
}

// failure turns a request's error into ours. The context's end comes first, since it shows in many forms.
func (c *Client) failure(ctx context.Context, h *host, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var fault *Error
	if errors.As(err, &fault) {
		return fault
	}
	return h.connectionError(err)
}

// read takes a body in, up to the question's limit. Each piece that arrives is a sign of life.
func (c *Client) read(ctx context.Context, h *host, resp *http.Response, q question) (*answer, error) {
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(&lively{resp.Body, patienceOf(ctx)}, q.limit+1))
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		fault := h.connectionError(err)
		fault.Err, fault.Cause = ErrBroken, fmt.Errorf("the answer was cut off after %d bytes: %w", len(body), withoutURL(err))
		return nil, fault
	case int64(len(body)) > q.limit:
		return nil, broken(fmt.Errorf("the answer is longer than %d bytes", q.limit))
	}
	patienceOf(ctx).progress()
	return &answer{from: h, status: resp.StatusCode, header: resp.Header, body: body, sent: resp.Request}, nil
}

// broken is the error of an answer that cannot be used.
func broken(cause error) *Error {
	return &Error{Err: ErrBroken, Cause: cause, Advice: adviceBroken}
}
