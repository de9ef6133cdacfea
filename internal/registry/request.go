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

// request is one request of the registry API, whichever host is asked.
type request struct {
	doing      string
	method     string
	registry   string
	repository string
	reference  string // for messages
	parts      []string
	header     http.Header // beside what every request has
	scope      string
	needs      docker.HostCapabilities
	limit      int64                  // of the body, in bytes
	check      func(*response) *Error // of a successful answer: what is wrong with it, or nil

	body        *bytes.Reader // what is sent, of contentType; nil is nothing
	contentType string
}

// response is a response of a host with a status below 300.
type response struct {
	from   *host
	status int
	header http.Header
	body   []byte
	sent   *http.Request // the last one, after redirects
}

// ask sends a request to the hosts in order. Mirrors are asked once each; the last host decides, after retries.
func (c *Client) ask(ctx context.Context, hosts []*host, r request) (*response, error) {
	able := make([]*host, 0, len(hosts))
	for _, h := range hosts {
		if h.Capabilities.Has(r.needs) {
			able = append(able, h)
		}
	}
	var tried []string
	for i, h := range able {
		var (
			got *response
			err error
		)
		if i < len(able)-1 {
			got, err = c.askMirror(ctx, h, r)
		} else {
			got, err = c.askWithRetries(ctx, h, r)
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
		return nil, r.withOp(fault)
	}
	return nil, r.withOp(&Error{
		Err:    ErrUnreachable,
		Cause:  errors.New("hosts.toml names no host that may be asked this"),
		Advice: "check the capabilities in hosts.toml",
	})
}

// askMirror asks once, and not for long.
func (c *Client) askMirror(ctx context.Context, h *host, r request) (*response, error) {
	limited, cancel := context.WithTimeoutCause(ctx, c.mirrorTimeout(), errSilent)
	defer cancel()
	got, err := c.exchange(limited, h, r)
	if err != nil && ctx.Err() == nil && errors.Is(context.Cause(limited), errSilent) {
		return nil, silent(c.mirrorTimeout())
	}
	return got, err
}

// short is an error without what everybody knows: what was asked and what to do.
func (e *Error) short() string {
	brief := *e
	brief.Advice, brief.tried = "", nil
	return strings.TrimPrefix(brief.Error(), brief.Doing+" "+brief.subject()+": ")
}

// withOp says in an error what was being done.
func (r request) withOp(e *Error) *Error {
	e.Doing, e.Registry, e.Repository, e.Reference = r.doing, r.registry, r.repository, r.reference
	return e
}

// exchange sends a request to one host and reads the response. The error is an *Error, or the context's.
func (c *Client) exchange(ctx context.Context, h *host, r request) (*response, error) {
	resp, err := c.accepted(ctx, h, r)
	if err != nil {
		return nil, err
	}
	got, err := c.read(ctx, h, resp, r)
	if err != nil {
		return nil, err
	}
	if fault := r.check(got); fault != nil {
		return nil, fault
	}
	return got, nil
}

// accepted sends a request to one host, authentication included, until it gives a status below 300. The error is an *Error, or the
// context's.
func (c *Client) accepted(ctx context.Context, h *host, r request) (*http.Response, error) {
	gate := h.authorizerFor(r.scope)
	ctx = docker.WithScope(ctx, r.scope)
	var refused []*http.Response
	for {
		resp, err := c.send(ctx, h, gate, r)
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
		who := func() login { return h.login(ctx, r.repository) }
		return nil, h.statusError(who, resp.StatusCode, resp.Header, body)
	}
}

// send makes one request.
func (c *Client) send(ctx context.Context, h *host, gate *authorizer, r request) (*http.Response, error) {
	req, err := r.httpRequest(ctx, h)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", userAgent)
	for name, values := range h.Header {
		req.Header[name] = append(req.Header[name], values...)
	}
	maps.Copy(req.Header, r.header)
	if err := gate.authorize(ctx, req); err != nil {
		return nil, err
	}
	return h.Client.Do(req)
}

// httpRequest makes the request of one attempt: a body is sent from its beginning.
func (r request) httpRequest(ctx context.Context, h *host) (*http.Request, error) {
	if r.body == nil {
		return http.NewRequestWithContext(ctx, r.method, h.url(r.repository, r.parts...), nil)
	}
	whole := *r.body
	req, err := http.NewRequestWithContext(ctx, r.method, h.url(r.repository, r.parts...), &whole)
	if err == nil {
		req.Header.Set("Content-Type", r.contentType)
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

// read reads a body, up to the request's limit. Each piece that arrives renews the idle timeout.
func (c *Client) read(ctx context.Context, h *host, resp *http.Response, r request) (*response, error) {
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(&progressReader{resp.Body, idleTimeoutOf(ctx)}, r.limit+1))
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		fault := h.connectionError(err)
		fault.Err, fault.Cause = ErrBroken, fmt.Errorf("the answer was cut off after %d bytes: %w", len(body), withoutURL(err))
		return nil, fault
	case int64(len(body)) > r.limit:
		return nil, broken(fmt.Errorf("the answer is longer than %d bytes", r.limit))
	}
	idleTimeoutOf(ctx).progress()
	return &response{from: h, status: resp.StatusCode, header: resp.Header, body: body, sent: resp.Request}, nil
}

// broken is the error of an answer that cannot be used.
func broken(cause error) *Error {
	return &Error{Err: ErrBroken, Cause: cause, Advice: adviceBroken}
}
