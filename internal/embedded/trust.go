package embedded

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"time"

	"github.com/moby/buildkit/util/resolver/config"
	"github.com/pelletier/go-toml/v2"
)

// Trust has a client's settings for the private buildkitd: how it reaches registries and other servers. The zero value leaves
// buildkitd's defaults. All paths of files are absolute.
type Trust struct {
	CAFile     string                           `json:"caFile,omitempty"`     // PEM bundle that replaces the system's
	Registries map[string]config.RegistryConfig `json:"registries,omitempty"` // by the name in references
}

func (t Trust) equal(other Trust) bool {
	return t.CAFile == other.CAFile && len(t.Registries) == len(other.Registries) &&
		(len(t.Registries) == 0 || reflect.DeepEqual(t.Registries, other.Registries))
}

// toml returns the part of buildkitd's configuration about registries. The entry of the private registry is fixed.
func (t Trust) toml(private string) (string, error) {
	plain := true
	all := maps.Clone(t.Registries)
	if all == nil {
		all = map[string]config.RegistryConfig{}
	}
	all[private] = config.RegistryConfig{PlainHTTP: &plain}
	text, err := toml.Marshal(map[string]any{"registry": all})
	return string(text), err
}

// addUser records that a client uses the builder, and with which trust. The client's goroutine calls removeUser when it leaves.
func (b *builder) addUser(p *peer, trust Trust) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.users[p] = trust
}

func (b *builder) removeUser(p *peer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.users, p)
	close(b.left)
	b.left = make(chan struct{})
}

// grace is how long waitForFit waits for clients that are just ending.
const grace = time.Second

// waitForFit calls fits until its error is not ErrBusy. It gives clients that are just ending some time to leave.
func (b *builder) waitForFit(ctx context.Context, client *peer, trust Trust) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	for {
		b.mu.Lock()
		left := b.left
		b.mu.Unlock()
		fits, err := b.fits(client, trust)
		if !errors.Is(err, ErrBusy) {
			return fits, err
		}
		select {
		case <-left:
		case <-ctx.Done():
			return false, err
		}
	}
}

// fits reports whether buildkitd runs with the trust that a client wants. The error is ErrBusy if it runs with another trust that
// other clients need, and ErrGone if the daemon is stopping.
func (b *builder) fits(client *peer, trust Trust) (bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.stopped:
		return false, ErrGone
	case b.child == nil:
		return false, nil
	case b.trust.equal(trust):
		return true, nil
	}
	others := 0
	for user, wanted := range b.users {
		if user != client && !wanted.equal(trust) {
			others++
		}
	}
	if others == 0 {
		return false, nil
	}
	return false, fmt.Errorf("%d other clients use the private buildkitd (%w) with other --ca-file, --registry-config or hosts.toml files, which it reads only at its start: "+
		"wait until they have ended, use the same files, or name another builder with --addr and --repository", others, ErrBusy)
}
