package trust

import (
	"context"

	"github.com/docker/cli/cli/config/types"
	"github.com/moby/buildkit/session/auth/authprovider"
)

// ForBuilder returns the provider with which a session gives a builder the user's credentials. It ignores a credential helper
// that fails: the user has been warned, and most images are public.
func (l *Logins) ForBuilder() authprovider.AuthConfigProvider {
	return func(ctx context.Context, host string, scopes []string, _ authprovider.ExpireCachedAuthCheck) (types.AuthConfig, error) {
		auth, err := l.For(ctx, host, ScopeRepository(scopes...))
		if ctx.Err() != nil {
			return types.AuthConfig{}, err
		}
		return auth, nil
	}
}
