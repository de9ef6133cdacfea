package main

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

	"github.com/rtbuild/rtbuild/internal/build"
	"github.com/rtbuild/rtbuild/internal/embedded"
	"github.com/rtbuild/rtbuild/internal/solve"
	"github.com/rtbuild/rtbuild/internal/trust"
)

// findPrivate finds out whether the named repository or the base is in the private registry, which then runs.
func (p *place) findPrivate(ctx context.Context) error {
	if err := p.reach(ctx, p.repository, p.base); err != nil {
		return err
	}
	if p.lease == nil || domain(p.repository) != p.lease.Registry() {
		return nil
	}
	p.embedded = true
	if p.address.Addr == "" {
		return nil
	}
	_ = p.Close()
	return withCode(exitUsage, fmt.Errorf("--repository %s: only the private builder may push to the private registry, and %s is another one: "+
		"give another --repository, or leave --addr, --builder, BUILDKIT_HOST and BUILDX_BUILDER out", p.repository, p.address.Addr))
}

// reach sees to it that the private registry runs if one of the references is there.
func (p *place) reach(ctx context.Context, refs ...string) (err error) {
	if p.lease == nil {
		p.lease, err = wake(ctx, refs)
	}
	return withCode(exitBuilder, err)
}

// wake starts or joins the private registry if one of the references is there: solve prints such references, and it only
// runs as long as somebody needs it. The lease also proves that it is ours: another program that has taken its port is an
// error. The lease is nil if no reference is there.
func wake(ctx context.Context, refs []string) (*embedded.Lease, error) {
	hosts := loopback(refs)
	if len(hosts) == 0 {
		return nil, nil
	}
	options, err := embeddedOptions()
	if err != nil {
		return nil, err
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
	if err == nil && !slices.Contains(hosts, lease.Registry()) { // another program has the port that ours would have had
		return nil, lease.Close()
	}
	return lease, err
}

// loopback are the registries on this machine that references name.
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

// domain is a reference's registry, or "" if it is no reference.
func domain(ref string) string {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return ""
	}
	return reference.Domain(named)
}

// login is who we are to the private registry, if the images live there.
func (p *place) login(host string) (user, password string) {
	if !p.embedded || host != p.lease.Registry() || p.alive() != nil {
		return "", ""
	}
	return p.lease.Login()
}

// alive returns an error if the private registry has ended meanwhile. What was heard on its address is then not to be believed: another
// program may have answered.
func (p *place) alive() error {
	if p.lease == nil {
		return nil
	}
	return withCode(exitBuilder, p.lease.Err())
}

// passwords are what a builder may ask us for: the user's, and for the private builder alone the one of the private
// registry. Docker's login keeps that with the user's, so it is held back from others.
func (p *place) passwords(b *solve.Builder, users authprovider.AuthConfigProvider) authprovider.AuthConfigProvider {
	return func(ctx context.Context, host string, scopes []string, expired authprovider.ExpireCachedAuthCheck) (types.AuthConfig, error) {
		if b.Private && host == p.lease.Registry() && p.alive() == nil {
			user, password := p.lease.Login()
			return types.AuthConfig{Username: user, Password: password}, nil
		}
		found, err := users(ctx, host, scopes, expired)
		if found.Username == embedded.User && loopback([]string{host + "/x"}) != nil {
			return types.AuthConfig{}, err
		}
		return found, err
	}
}

// trust is how the private builder reaches what we do: by the same flags and files.
func (p *place) trust() (embedded.Trust, error) {
	var (
		given embedded.Trust
		err   error
	)
	if p.caFile != "" {
		if given.CAFile, err = trust.Bundle(p.caFile); err != nil {
			return given, err
		}
		if given.CAFile, err = filepath.Abs(given.CAFile); err != nil {
			return given, err
		}
	}
	var used []string
	for _, ref := range append([]string{p.repository, p.base}, p.further...) {
		used = append(used, domain(ref))
	}
	given.Registries, err = p.registry.BuilderHosts(used...)
	return given, err
}

// furtherRefs are what the builder is asked for beside the repository and the base: deps images of other repositories, caches, images that
// are exported under other names, and the scanner of a bill of materials.
func furtherRefs(reuse []string, exports []solve.Export, flags *buildFlags) []string {
	refs := append(slices.Clone(reuse), build.ScannerImage(flags.attests))
	for _, e := range exports {
		if e.IsImage() {
			refs = append(refs, strings.Split(e.Attrs["name"], ",")...)
		}
	}
	for _, cache := range slices.Concat(flags.caches.imports, flags.caches.exports) {
		if cache.Type == "registry" {
			refs = append(refs, cache.Attrs["ref"])
		}
	}
	return refs
}
