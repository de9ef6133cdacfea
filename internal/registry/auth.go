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

// authorizer answers a host's challenges for one scope, for one request at a time: containerd's races with itself where
// several wait for a token, and it keeps a failed token request for ever, so that after a failure a new one takes its
// place.
type authorizer struct {
	host       *host
	repository string        // of the scope
	turn       chan struct{} // holds one value while nobody uses what follows
	inner      docker.Authorizer
	who        login  // as whom inner answers; known once the host has asked
	last       string // what it gave out last
}

func newAuthorizer(h *host, scope string) *authorizer {
	a := &authorizer{host: h, repository: trust.ScopeRepository(scope), turn: make(chan struct{}, 1)}
	a.inner = a.newInner()
	a.turn <- struct{}{}
	return a
}

// take waits for the turn, which the caller gives back.
func (a *authorizer) take(ctx context.Context) error {
	select {
	case <-a.turn:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (a *authorizer) giveBack() { a.turn <- struct{}{} }

func (a *authorizer) newInner() docker.Authorizer {
	header := a.host.Header.Clone()
	if header == nil {
		header = http.Header{}
	}
	header.Set("User-Agent", userAgent)
	return docker.NewDockerAuthorizer(
		docker.WithAuthClient(a.host.Client),
		docker.WithAuthHeader(header),
		docker.WithAuthCreds(func(string) (string, string, error) { return a.who.user, a.who.secret, nil }),
	)
}

// authorize adds to a request what the host was found to want; the first request carries nothing. It fetches a token
// where one is needed.
func (a *authorizer) authorize(ctx context.Context, req *http.Request) error {
	if err := a.take(ctx); err != nil {
		return err
	}
	defer a.giveBack()
	if a.who.token != "" {
		req.Header.Set("Authorization", "Bearer "+a.who.token)
		return nil
	}
	if err := a.inner.Authorize(ctx, req); err != nil {
		a.inner = a.newInner()
		return a.refusal(err)
	}
	a.last = req.Header.Get("Authorization")
	return nil
}

// challenge hands over the answers with status 401 to one request, and reports whether another try makes sense.
func (a *authorizer) challenge(ctx context.Context, answers []*http.Response) bool {
	who := a.host.login(ctx, a.repository) // a helper may take long: nobody who wants the turn has to wait for it
	if a.take(ctx) != nil {
		return false
	}
	defer a.giveBack()
	if a.who = who; who.token != "" {
		return len(answers) < 2
	}
	if a.stale(answers) {
		a.inner = a.newInner()
	}
	if err := a.inner.AddResponses(ctx, answers); err != nil {
		a.inner = a.newInner()
		return false
	}
	return len(answers) < 2 // the second one has seen all that we have
}

// stale reports whether a request was refused at once with what we still give out, which has run out then. If another
// request has renewed it meanwhile, it has not.
func (a *authorizer) stale(answers []*http.Response) bool {
	sent := answers[0].Request.Header.Get("Authorization")
	return len(answers) == 1 && sent != "" && sent == a.last
}

// identity is as whom we have asked. The caller has the turn.
func (a *authorizer) identity() login { return a.who }

// refusal says what kind of failure kept us from a token.
func (a *authorizer) refusal(err error) error {
	var (
		status remoteserrors.ErrUnexpectedStatus
		syntax *json.SyntaxError
	)
	switch {
	case errors.As(err, &status):
		e := a.host.statusError(a.identity, status.StatusCode, nil, status.Body)
		e.Cause = fmt.Errorf("fetching a token from %s", serverOf(status.RequestURL))
		if status.StatusCode == http.StatusBadRequest {
			return a.host.denied(e, a.who) // several token servers say so of wrong credentials
		}
		if errors.Is(e, ErrAbsent) { // an absent token server says nothing of the image
			e.Err, e.Advice = ErrBroken, adviceBroken
		}
		return e
	case errors.Is(err, auth.ErrNoToken), errors.As(err, &syntax):
		return &Error{Err: ErrBroken, Cause: fmt.Errorf("fetching a token: %w", err), Advice: adviceBroken}
	case errors.Is(err, docker.ErrInvalidAuthorization):
		return a.host.denied(&Error{Status: http.StatusUnauthorized, Cause: err}, a.who)
	}
	return a.host.connectionError(fmt.Errorf("fetching a token: %w", err))
}
