package registry

import (
	"cmp"
	"context"
	"errors"

	"github.com/rtbuild/rtbuild/internal/trust"
)

// login is what a registry is told about us; the zero value is anonymous. A secret without a user is an identity token.
type login struct {
	user, secret string
	token        string // is sent as it is
	problem      error  // why no credentials are known, if that is no one's wish
}

// login gives the credentials for a repository of a host. A credential helper may ask the user, which is not the registry's silence. When
// the context ends, we are anonymous.
func (c *Client) login(ctx context.Context, host, repository string) login {
	if c.given != nil {
		if user, password := c.given(host); password != "" {
			return login{user: user, secret: password}
		}
	}
	defer idleTimeoutOf(ctx).suspend()()
	auth, err := c.logins.For(ctx, host, repository)
	who := login{user: auth.Username, secret: auth.Password, token: auth.RegistryToken}
	if auth.IdentityToken != "" {
		who.user, who.secret = "", auth.IdentityToken
	}
	var helper *trust.HelperError
	if errors.As(err, &helper) {
		who.problem = helper
	}
	return who
}

// isAnonymous reports whether we have nothing to show.
func (l login) isAnonymous() bool { return l.user == "" && l.secret == "" && l.token == "" }

// describe says who we are to a host.
func (l login) describe() string {
	if l.isAnonymous() {
		return ""
	}
	return cmp.Or(l.user, "the token's owner")
}
