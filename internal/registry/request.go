package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"

	"github.com/containerd/containerd/v2/core/remotes/docker"
)

// maxRefusal limits how much of an error response is read, in bytes.
const maxRefusal = 64 << 10

// request is one request of the registry API, without the host that it goes to.
type request struct {
	doing      string
	method     string
	registry   string
	repository string
	reference  string   // for messages
	parts      []string // of the path below the repository
	header     http.Header
	scope      string
	needs      docker.HostCapabilities
	limit      int64                  // of the response's body, in bytes
	check      func(*response) *Error // returns what is wrong with a successful response, or nil

	body        *bytes.Reader // nil sends none
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

// do sends a request to the hosts and reads the response.
func (c *Client) do(ctx context.Context, hosts []*host, r request) (*response, error) {
	atMirror := func(h *host) (*response, error) { return c.doAtMirror(ctx, h, r) }
	return atHosts(hosts, r, atMirror, func(h *host) (*response, error) {
		return withRetries(ctx, c, idleTimeoutOf(ctx).left, func() (*response, error) { return c.exchange(ctx, h, r) })
	})
}

// atHosts tries the capable hosts in order: each mirror once, by atMirror, and then the last host, by atLast. Only the last
// host's error is returned; it lists those of the mirrors.
func atHosts[T any](hosts []*host, r request, atMirror, atLast func(*host) (*T, error)) (*T, error) {
	capable := slices.DeleteFunc(slices.Clone(hosts), func(h *host) bool { return !h.Capabilities.Has(r.needs) })
	if len(capable) == 0 {
		return nil, r.withOp(&Error{
			Err:    ErrUnreachable,
			Cause:  errors.New("hosts.toml names no host with the capability for this request"),
			Advice: "check the capabilities in hosts.toml",
		})
	}
	var (
		tried []string
		fault *Error
	)
	last := len(capable) - 1
	for _, h := range capable[:last] {
		got, err := atMirror(h)
		if err == nil || !errors.As(err, &fault) {
			return got, err // a response, or the context's error
		}
		tried = append(tried, "mirror "+h.Host+": "+fault.short())
	}
	got, err := atLast(capable[last])
	if !errors.As(err, &fault) {
		return got, err
	}
	fault.tried = tried
	return nil, r.withOp(fault)
}

// doAtMirror sends a request to a mirror once, with the mirrors' shorter timeout.
func (c *Client) doAtMirror(ctx context.Context, h *host, r request) (*response, error) {
	limited, cancel := context.WithTimeoutCause(ctx, c.mirrorTimeout(), errNoResponse)
	defer cancel()
	got, err := c.exchange(limited, h, r)
	if err != nil && ctx.Err() == nil && errors.Is(context.Cause(limited), errNoResponse) {
		return nil, noResponse(c.mirrorTimeout())
	}
	return got, err
}

// withOp records in an error what was being done.
func (r request) withOp(e *Error) *Error {
	e.Doing, e.Registry, e.Repository, e.Reference = r.doing, r.registry, r.repository, r.reference
	return e
}

// exchange sends a request to one host and reads the response. The error is an *Error or the context's error.
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

// accepted sends a request to one host, authenticates if challenged, and returns a response with a status below 300. The
// error is an *Error or the context's error.
func (c *Client) accepted(ctx context.Context, h *host, r request) (*http.Response, error) {
	authz := h.authorizerFor(r.scope)
	ctx = docker.WithScope(ctx, r.scope)
	var refused []*http.Response
	for {
		resp, err := c.send(ctx, h, authz, r)
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
			if authz.challenge(ctx, refused) {
				continue
			}
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
		}
		identity := func() login { return h.login(ctx, r.repository) }
		return nil, h.statusError(identity, resp.StatusCode, resp.Header, body)
	}
}

// send makes one HTTP request.
func (c *Client) send(ctx context.Context, h *host, authz *authorizer, r request) (*http.Response, error) {
	req, err := r.httpRequest(ctx, h)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", userAgent)
	for name, values := range h.Header {
		req.Header[name] = append(req.Header[name], values...)
	}
	maps.Copy(req.Header, r.header)
	if err := authz.authorize(ctx, req); err != nil {
		return nil, err
	}
	return h.Client.Do(req)
}

// httpRequest returns a new HTTP request for each attempt, with the body at its beginning.
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

// failure turns a request's error into an *Error. If the context has ended, it returns the context's error: transports wrap
// that in many forms.
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

// read reads a response's body, up to the request's limit. Each read that returns data renews the idle timeout.
func (c *Client) read(ctx context.Context, h *host, resp *http.Response, r request) (*response, error) {
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(&progressReader{resp.Body, idleTimeoutOf(ctx)}, r.limit+1))
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		fault := h.connectionError(err)
		fault.Err, fault.Cause = ErrBroken, fmt.Errorf("the response was cut off after %d bytes: %w", len(body), withoutURL(err))
		return nil, fault
	case int64(len(body)) > r.limit:
		return nil, broken(fmt.Errorf("the response is longer than %d bytes", r.limit))
	}
	idleTimeoutOf(ctx).progress()
	return &response{from: h, status: resp.StatusCode, header: resp.Header, body: body, sent: resp.Request}, nil
}

// broken returns the error for a response that is not valid.
func broken(cause error) *Error {
	return &Error{Err: ErrBroken, Cause: cause, Advice: adviceBroken}
}
