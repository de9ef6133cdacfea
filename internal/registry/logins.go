package registry

import (
	"cmp"
	"context"
	"errors"

	"github.com/rtbuild/rtbuild/internal/trust"
)

// login is the credentials for a registry; the zero value is anonymous. A secret without a user is an identity token.
type login struct {
	user, secret string
	token        string // a registry token, sent as a bearer token as it is
	problem      error  // why a credential helper gave none; nil if none are configured
}

// login returns the credentials for a repository of a host. The idle timeout pauses meanwhile, since a credential helper may
// ask the user. When the context ends, login returns the zero value.
func (c *Client) login(ctx context.Context, host, repository string) login {
	if c.loginOverride != nil {
		if user, password := c.loginOverride(host); password != "" {
			return login{user: user, secret: password}
		}
	}
	defer idleTimeoutOf(ctx).suspend()()
	auth, err := c.logins.For(ctx, host, repository)
	creds := login{user: auth.Username, secret: auth.Password, token: auth.RegistryToken}
	if auth.IdentityToken != "" {
		creds.user, creds.secret = "", auth.IdentityToken
	}
	var helper *trust.HelperError
	if errors.As(err, &helper) {
		creds.problem = helper
	}
	return creds
}

// isAnonymous reports whether there are no credentials.
func (l login) isAnonymous() bool { return l.user == "" && l.secret == "" && l.token == "" }

// describe returns the user's name for messages, or "" if there are no credentials.
func (l login) describe() string {
	if l.isAnonymous() {
		return ""
	}
	return cmp.Or(l.user, "the token's owner")
}
