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

// FindPrivate finds out whether the repository or the base is in the private registry, which then runs. The error is a *PairError,
// or is about a builder that may not push there.
func (d *Destination) FindPrivate(ctx context.Context) error {
	if err := d.Reach(ctx, d.Repository, d.options.Base); err != nil {
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
	return fmt.Errorf("--repository %s: only the private builder may push to the private registry, and %s is another one: "+
		"give another --repository, or leave --addr, --builder, BUILDKIT_HOST and BUILDX_BUILDER out", d.Repository, d.options.Builder.Addr)
}

// Reach runs the private registry if one of the references is there. The error is a *PairError.
func (d *Destination) Reach(ctx context.Context, refs ...string) (err error) {
	if d.lease == nil {
		d.lease, err = Wake(ctx, refs, d.options.Private)
	}
	return pairError(err)
}

// Wake starts or joins the private registry if one of the references is there: solve prints such references, and the registry
// runs only while somebody needs it. The lease also proves that the registry is ours: another program that listens on its port
// is an error. The lease is nil if no reference is there.
func Wake(ctx context.Context, refs []string, options embedded.Options) (*embedded.Lease, error) {
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
			return nil, fmt.Errorf("%s need not be the private registry, which listens on %s only: write that instead", other, address)
		}
	}
	if !slices.Contains(hosts, address) {
		return nil, nil
	}
	lease, err := embedded.Acquire(ctx, options)
	if err == nil && !slices.Contains(hosts, lease.Registry()) { // another program listens on the port that ours would have had
		return nil, lease.Close()
	}
	return lease, err
}

// loopback returns the registries on this machine that references name.
func loopback(refs []string) []string {
	var hosts []string
	for _, ref := range refs {
		host := strings.ToLower(domain(ref)) // the names of hosts are the same in capitals
		if strings.HasPrefix(host, "127.0.0.1:") || strings.HasPrefix(host, "localhost:") || strings.HasPrefix(host, "[::1]:") {
			hosts = append(hosts, host)
		}
	}
	return hosts
}

// domain returns a reference's registry, or "" if it is no reference.
func domain(ref string) string {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return ""
	}
	return reference.Domain(named)
}

// login returns the user and password for the private registry, if the images live there.
func (d *Destination) login(host string) (user, password string) {
	if !d.Embedded || host != d.lease.Registry() || d.Alive() != nil {
		return "", ""
	}
	return d.lease.Login()
}

// Alive returns a *PairError if the private registry has ended. What was heard on its address is then not to be believed: another
// program may have answered.
func (d *Destination) Alive() error {
	if d.lease == nil {
		return nil
	}
	return pairError(d.lease.Err())
}

// Passwords answers a builder's requests for passwords: with the user's, and with the private registry's for the private builder
// alone. docker login may have put that one among the user's: it is held back from other builders.
func (d *Destination) Passwords(b *solve.Builder, users authprovider.AuthConfigProvider) authprovider.AuthConfigProvider {
	return func(ctx context.Context, host string, scopes []string, expired authprovider.ExpireCachedAuthCheck) (types.AuthConfig, error) {
		if b.Private && host == d.lease.Registry() && d.Alive() == nil {
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

// trust tells the private builder how to reach registries: by the files and flags that we use ourselves.
func (d *Destination) trust() (embedded.Trust, error) {
	var (
		given embedded.Trust
		err   error
	)
	if d.options.CAFile != "" {
		if given.CAFile, err = trust.Bundle(d.options.CAFile); err != nil {
			return given, err
		}
		if given.CAFile, err = filepath.Abs(given.CAFile); err != nil {
			return given, err
		}
	}
	var used []string
	for _, ref := range append([]string{d.Repository, d.options.Base}, d.further...) {
		used = append(used, domain(ref))
	}
	given.Registries, err = d.Registry.BuilderHosts(used...)
	return given, err
}
