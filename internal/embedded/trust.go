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

// Trust is how a client wants the private buildkitd to reach registries and other servers. The zero value is the
// machine's own way. All files are named by absolute paths.
type Trust struct {
	CAFile     string                           `json:"caFile,omitempty"`     // PEM bundle that stands for the system's
	Registries map[string]config.RegistryConfig `json:"registries,omitempty"` // by the name in references
}

func (t Trust) equal(other Trust) bool {
	return t.CAFile == other.CAFile && len(t.Registries) == len(other.Registries) &&
		(len(t.Registries) == 0 || reflect.DeepEqual(t.Registries, other.Registries))
}

// toml is the part of buildkitd's configuration that tells of registries. The private registry's own entry is fixed.
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

// enter notes that a client wants the builder. Its goroutine calls leave when it goes.
func (b *builder) enter(p *peer, trust Trust) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.users[p] = trust
}

func (b *builder) leave(p *peer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.users, p)
	close(b.left)
	b.left = make(chan struct{})
}

// grace is how long a client that has just ended may still count.
const grace = time.Second

// settle is fits, once those clients no longer count that are just ending.
func (b *builder) settle(ctx context.Context, who *peer, trust Trust) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	for {
		b.mu.Lock()
		left := b.left
		b.mu.Unlock()
		fits, err := b.fits(who, trust)
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

// fits reports whether the buildkitd that runs has the trust that a client wants. It is an error if it has not, and may
// not be stopped, or if it may not be started any more.
func (b *builder) fits(who *peer, trust Trust) (bool, error) {
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
		if user != who && !wanted.equal(trust) {
			others++
		}
	}
	if others == 0 {
		return false, nil
	}
	return false, fmt.Errorf("the private buildkitd works for %d other clients (%w) with other --ca-file, --registry-config or hosts.toml files, which it reads when it starts: "+
		"wait until they have ended, give the same as they have, or name another builder with --addr and --repository", others, ErrBusy)
}
