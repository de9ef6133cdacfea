package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/containerd/containerd/v2/core/remotes/docker"
	"github.com/containerd/containerd/v2/core/remotes/docker/auth"
	remoteserrors "github.com/containerd/containerd/v2/core/remotes/errors"

	"github.com/rtbuild/rtbuild/internal/trust"
)

// authorizer answers a host's challenges for one scope, one request at a time. It wraps containerd's, which has two faults:
// it has a race when several requests wait for a token, and it never forgets a failed token request. After a failure a new
// one replaces it.
type authorizer struct {
	host       *host
	repository string        // of the scope
	sem        chan struct{} // holds one value while the fields below are free
	inner      docker.Authorizer
	login      login  // the credentials that inner uses; set after the first challenge
	last       string // the last Authorization header that inner set
}

func newAuthorizer(h *host, scope string) *authorizer {
	a := &authorizer{host: h, repository: trust.ScopeRepository(scope), sem: make(chan struct{}, 1)}
	a.inner = a.newInner()
	a.sem <- struct{}{}
	return a
}

// acquire waits until the authorizer is free. The caller must release it.
func (a *authorizer) acquire(ctx context.Context) error {
	select {
	case <-a.sem:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (a *authorizer) release() { a.sem <- struct{}{} }

func (a *authorizer) newInner() docker.Authorizer {
	header := a.host.Header.Clone()
	if header == nil {
		header = http.Header{}
	}
	header.Set("User-Agent", userAgent)
	return docker.NewDockerAuthorizer(
		docker.WithAuthClient(a.host.Client),
		docker.WithAuthHeader(header),
		docker.WithAuthCreds(func(string) (string, string, error) { return a.login.user, a.login.secret, nil }),
	)
}

// authorize adds the Authorization header that the host's challenges ask for, and fetches a token if it needs one. Before the
// first challenge it adds nothing.
func (a *authorizer) authorize(ctx context.Context, req *http.Request) error {
	if err := a.acquire(ctx); err != nil {
		return err
	}
	defer a.release()
	if a.login.token != "" {
		req.Header.Set("Authorization", "Bearer "+a.login.token)
		return nil
	}
	if err := a.inner.Authorize(ctx, req); err != nil {
		a.inner = a.newInner()
		return a.tokenError(err)
	}
	a.last = req.Header.Get("Authorization")
	return nil
}

// challenge takes the responses with status 401 to one request, and reports whether to send the request again.
func (a *authorizer) challenge(ctx context.Context, refused []*http.Response) bool {
	creds := a.host.login(ctx, a.repository) // before acquire: a credential helper may be slow
	if a.acquire(ctx) != nil {
		return false
	}
	defer a.release()
	if a.login = creds; creds.token != "" {
		return len(refused) < 2
	}
	if a.stale(refused) {
		a.inner = a.newInner()
	}
	if err := a.inner.AddResponses(ctx, refused); err != nil {
		a.inner = a.newInner()
		return false
	}
	return len(refused) < 2 // the second request carried all our credentials
}

// stale reports whether the host refused the header that inner still uses: its token has expired. If another request has
// renewed the token meanwhile, the header differs.
func (a *authorizer) stale(refused []*http.Response) bool {
	sent := refused[0].Request.Header.Get("Authorization")
	return len(refused) == 1 && sent != "" && sent == a.last
}

// identity returns the credentials in use. The caller has acquired a.
func (a *authorizer) identity() login { return a.login }

// tokenError turns a failed token request into an *Error.
func (a *authorizer) tokenError(err error) error {
	var (
		status remoteserrors.ErrUnexpectedStatus
		syntax *json.SyntaxError
	)
	switch {
	case errors.As(err, &status):
		e := a.host.statusError(a.identity, status.StatusCode, nil, status.Body)
		e.Cause = fmt.Errorf("fetching a token from %s", serverOf(status.RequestURL))
		if status.StatusCode == http.StatusBadRequest {
			return a.host.denied(e, a.login) // several token servers use this status for wrong credentials
		}
		if errors.Is(e, ErrAbsent) { // a missing token server does not mean a missing image
			e.Err, e.Advice = ErrBroken, adviceBroken
		}
		return e
	case errors.Is(err, auth.ErrNoToken), errors.As(err, &syntax):
		return &Error{Err: ErrBroken, Cause: fmt.Errorf("fetching a token: %w", err), Advice: adviceBroken}
	case errors.Is(err, docker.ErrInvalidAuthorization):
		return a.host.denied(&Error{Status: http.StatusUnauthorized, Cause: err}, a.login)
	}
	return a.host.connectionError(fmt.Errorf("fetching a token: %w", err))
}
