package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/containerd/containerd/v2/core/remotes/docker"
)

// CheckPush checks the right to push to a repository: it starts an upload and cancels it. If the registry refuses, the error is
// an *Error of kind ErrDenied. The other errors are those of Lookup.
func (c *Client) CheckPush(ctx context.Context, repository string) error {
	t, err := c.target("checking the right to push to", repository)
	if err != nil {
		return err
	}
	t.push, t.tag, t.digest = true, "", ""
	_, err = withIdleTimeout(ctx, c, t, func(ctx context.Context) (struct{}, error) { return struct{}{}, c.checkPush(ctx, t) })
	return err
}

func (c *Client) checkPush(ctx context.Context, t *target) error {
	r := t.request(http.MethodPost, "blobs", "uploads", "")
	r.needs, r.limit = docker.HostCapabilityPush, maxRefusal
	r.check = func(a *response) *Error {
		if a.status != http.StatusAccepted && a.status != http.StatusCreated {
			e := broken(fmt.Errorf("unexpected status %d for a new upload", a.status))
			e.Status = a.status
			return e
		}
		return nil
	}
	got, err := c.do(ctx, t.hosts, r)
	if err != nil {
		return asPushDenied(err)
	}
	c.cancelUpload(ctx, r, got)
	return nil
}

// asPushDenied turns the statuses with which registries refuse an upload into ErrDenied. A registry that does not create
// repositories on push sends 404, which must not look like an absent image.
func asPushDenied(err error) error {
	var fault *Error
	if !errors.As(err, &fault) {
		return err
	}
	switch {
	case fault.Status == http.StatusMethodNotAllowed:
		fault.Err, fault.Advice = ErrDenied, "the registry or a proxy in front of it is read-only: choose another with --repository"
	case errors.Is(fault, ErrAbsent):
		fault.Err, fault.Advice = ErrDenied, "create the repository or its project there first, or choose another with --repository"
	}
	return fault
}

// cancelUpload cancels the upload that CheckPush has started. It ignores errors: registries without this request, or that
// require another right for it, remove unfinished uploads by themselves.
func (c *Client) cancelUpload(ctx context.Context, r request, got *response) {
	location, err := got.sent.URL.Parse(got.header.Get("Location"))
	if err != nil || location.Host != got.sent.URL.Host || got.header.Get("Location") == "" {
		return
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodDelete, location.String(), nil)
	if err != nil {
		return
	}
	for name, values := range got.from.Header {
		req.Header[name] = append(req.Header[name], values...)
	}
	req.Header.Set("User-Agent", userAgent)
	if got.from.authorizerFor(r.scope).authorize(docker.WithScope(ctx, r.scope), req) != nil {
		return
	}
	if resp, err := got.from.Client.Do(req); err == nil {
		_ = resp.Body.Close()
	}
}
