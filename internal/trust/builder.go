package trust

import (
	"context"

	"github.com/docker/cli/cli/config/types"
	"github.com/moby/buildkit/session/auth/authprovider"
)

// ForBuilder returns what a session answers a builder with, which pulls and pushes with the user's credentials. A credential helper that
// fails is no error there: the user has been warned, and most images are public.
func (l *Logins) ForBuilder() authprovider.AuthConfigProvider {
	return func(ctx context.Context, host string, scopes []string, _ authprovider.ExpireCachedAuthCheck) (types.AuthConfig, error) {
		auth, err := l.For(ctx, host, ScopeRepository(scopes...))
		if ctx.Err() != nil {
			return types.AuthConfig{}, err
		}
		return auth, nil
	}
}
