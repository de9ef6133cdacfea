package destination

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"

	"github.com/distribution/reference"
	"github.com/docker/cli/cli/config/types"
	"github.com/moby/buildkit/session/auth/authprovider"

	"github.com/rtbuild/rtbuild/internal/embedded"
	"github.com/rtbuild/rtbuild/internal/solve"
	"github.com/rtbuild/rtbuild/internal/trust"
)

// LeasePrivate takes a lease on the private pair if the repository or the base is in the private registry. The error is a
// *PairError. If the repository is there and the user names another builder, the error says that this builder may not push.
func (d *Destination) LeasePrivate(ctx context.Context) error {
	if err := d.LeaseFor(ctx, d.Repository, d.options.Base); err != nil {
		return err
	}
	if d.lease == nil || domain(d.Repository) != d.lease.Registry() {
		return nil
	}
	d.Embedded = true
	if d.options.Builder.Addr == "" {
		return nil
	}
	_ = d.Close()
	return fmt.Errorf("--repository %s: only the private builder may push to the private registry, and the builder is %s: "+
		"give another --repository, or do not set --addr, --builder, BUILDKIT_HOST and BUILDX_BUILDER", d.Repository, d.options.Builder.Addr)
}

// LeaseFor takes a lease on the private pair if one of the references is in its registry. The error is a *PairError.
func (d *Destination) LeaseFor(ctx context.Context, refs ...string) (err error) {
	if d.lease == nil {
		d.lease, err = Lease(ctx, refs, d.options.Private)
	}
	return pairError(err)
}

// Lease takes a lease on the private pair if one of the references is in its registry, and returns nil if none is. It starts the
// registry if needed: rtbuild-client prints such references, but the registry runs only while there is a lease. A lease also
// proves that the registry is rtbuild's: it is an error if another program listens on its port.
func Lease(ctx context.Context, refs []string, options embedded.Options) (*embedded.Lease, error) {
	hosts := loopback(refs)
	if len(hosts) == 0 {
		return nil, nil
	}
	address, used, err := embedded.Address(ctx, options)
	if err != nil || address == "" {
		return nil, err
	}
	_, port, _ := net.SplitHostPort(address)
	for _, other := range []string{"localhost:" + port, "[::1]:" + port} {
		if used && slices.Contains(hosts, other) {
			return nil, fmt.Errorf("%s may be another registry than the private one, which listens on %s only: use that address", other, address)
		}
	}
	if !slices.Contains(hosts, address) {
		return nil, nil
	}
	lease, err := embedded.Acquire(ctx, options)
	if err == nil && !slices.Contains(hosts, lease.Registry()) { // another program has the port, so the private registry uses another
		return nil, lease.Close()
	}
	return lease, err
}

// loopback returns the registries on this machine among those of the references.
func loopback(refs []string) []string {
	var hosts []string
	for _, ref := range refs {
		host := strings.ToLower(domain(ref)) // host names are not case-sensitive
		if strings.HasPrefix(host, "127.0.0.1:") || strings.HasPrefix(host, "localhost:") || strings.HasPrefix(host, "[::1]:") {
			hosts = append(hosts, host)
		}
	}
	return hosts
}

// domain returns a reference's registry, or "" if it is not a valid reference.
func domain(ref string) string {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return ""
	}
	return reference.Domain(named)
}

// login returns the user and password for the private registry, if the repository is there.
func (d *Destination) login(host string) (user, password string) {
	if !d.Embedded || host != d.lease.Registry() || d.Err() != nil {
		return "", ""
	}
	return d.lease.Login()
}

// Err returns a *PairError if the private registry has ended, and nil while it runs. Do not trust responses from its address
// after it has ended: another program may have sent them.
func (d *Destination) Err() error {
	if d.lease == nil {
		return nil
	}
	return pairError(d.lease.Err())
}

// Credentials returns the provider that answers a builder's requests for credentials, with the user's own. Only the private
// builder gets the private registry's password. docker login may have stored that among the user's, so Credentials withholds
// it from other builders.
func (d *Destination) Credentials(b *solve.Builder, users authprovider.AuthConfigProvider) authprovider.AuthConfigProvider {
	return func(ctx context.Context, host string, scopes []string, expired authprovider.ExpireCachedAuthCheck) (types.AuthConfig, error) {
		if b.Private && host == d.lease.Registry() && d.Err() == nil {
			user, password := d.lease.Login()
			return types.AuthConfig{Username: user, Password: password}, nil
		}
		found, err := users(ctx, host, scopes, expired)
		if found.Username == embedded.User && loopback([]string{host + "/x"}) != nil {
			return types.AuthConfig{}, err
		}
		return found, err
	}
}

// builderTrust returns the private builder's settings for registries, from the files and flags that the client uses itself.
func (d *Destination) builderTrust() (embedded.Trust, error) {
	var (
		conf embedded.Trust
		err  error
	)
	if d.options.CAFile != "" {
		if conf.CAFile, err = trust.Bundle(d.options.CAFile); err != nil {
			return conf, err
		}
		if conf.CAFile, err = filepath.Abs(conf.CAFile); err != nil {
			return conf, err
		}
	}
	var used []string
	for _, ref := range append([]string{d.Repository, d.options.Base}, d.references...) {
		used = append(used, domain(ref))
	}
	conf.Registries, err = d.Registry.BuilderHosts(used...)
	return conf, err
}
