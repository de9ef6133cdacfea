package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/spf13/cobra"

	"github.com/rtbuild/rtbuild/internal/builders"
	"github.com/rtbuild/rtbuild/internal/embedded"
	"github.com/rtbuild/rtbuild/internal/registry"
	"github.com/rtbuild/rtbuild/internal/solve"
)

// placeOptions are the flags that say where images live and where they are built.
type placeOptions struct {
	address        builders.Address
	builder        string
	registryConfig string
	caFile         string
	debug          bool
}

func (o *placeOptions) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&o.address.Addr, "addr", "", "buildkitd address (default: BUILDKIT_HOST, a running buildkitd, a private one)")
	flags.StringVar(&o.builder, "builder", "", "builder that docker buildx create has made (default: BUILDX_BUILDER)")
	flags.StringVar(&o.address.CACert, "tlscacert", "", "CA certificate for the builder's connection")
	flags.StringVar(&o.address.Cert, "tlscert", "", "client certificate for the builder's connection")
	flags.StringVar(&o.address.Key, "tlskey", "", "client key for the builder's connection")
	flags.StringVar(&o.address.ServerName, "tlsservername", "", "name in the builder's certificate")
	flags.StringVar(&o.address.Dir, "tlsdir", "", "directory with ca.pem, cert.pem and key.pem")
	flags.StringVar(&o.registryConfig, "registry-config", "", "directory of hosts.toml files, as containerd has it: they count here and in the private builder")
	flags.StringVar(&o.caFile, "ca-file", "", "PEM file of certificate authorities to trust here, in build steps, and in the private builder")
	flags.BoolVar(&o.debug, "debug", false, "say more")
}

// place is where a runtime's images live and are built.
type place struct {
	repository string
	base       string   // of the project
	further    []string // what else the builder is asked for, see furtherRefs
	registry   *registry.Client
	address    builders.Address // of the named builder, if there is one
	caFile     string
	lease      *embedded.Lease // nil unless the private pair is used
	embedded   bool            // the images live in the private registry

	pushOnce sync.Once
	pushErr  error
	warnOnce sync.Once
}

// Close gives the private pair back.
func (p *place) Close() error {
	if p.lease == nil {
		return nil
	}
	return p.lease.Close()
}

// open finds where a project's images live, and computes what they are called there.
func (o *placeOptions) open(ctx context.Context, p *target, named *projectOptions) (*place, error) {
	at, err := o.find(ctx, p, namedRepository(p.Project, named))
	if err != nil {
		return nil, err
	}
	if err := p.ComputeTags(ctx, at.repository); err != nil {
		_ = at.Close()
		return nil, withCode(exitUsage, err)
	}
	return at, nil
}

// find decides where the images live: the named repository, or the registry that goes with the private builder.
func (o *placeOptions) find(ctx context.Context, p *target, named string) (*place, error) {
	at := &place{repository: named, base: p.Runtime.Base, caFile: o.caFile}
	var err error
	if at.registry, err = o.client(at); err != nil {
		return nil, withCode(exitUsage, err)
	}
	builder, err := o.named(p.platforms)
	if err != nil {
		return nil, withCode(exitUsage, err)
	}
	at.address = builder.Address
	if named != "" {
		return at, at.findPrivate(ctx)
	}
	if at.address.Addr != "" {
		return nil, withCode(exitUsage, fmt.Errorf("no repository: the builder %s cannot reach the registry that comes with the private one; "+
			"give --repository HOST/PATH, or leave --addr, --builder, BUILDKIT_HOST and BUILDX_BUILDER out", at.address.Addr))
	}
	if at.lease, err = acquire(ctx); err != nil {
		return nil, withCode(exitBuilder, err)
	}
	at.embedded = true
	at.repository = at.lease.Registry() + "/" + pathComponent(filepath.Base(p.Root))
	return at, nil
}

// client asks registries for a place.
func (o *placeOptions) client(at *place) (*registry.Client, error) {
	return registry.New(registry.Options{ConfigDir: o.registryConfig, CAFile: o.caFile, Warn: warn, Login: at.login})
}

// named is the builder that flags or the environment name; empty if none is.
func (o *placeOptions) named(wanted []ocispecs.Platform) (builders.Found, error) {
	found, err := o.builderOptions(wanted).Named()
	sayNote(found)
	return found, err
}

func (o *placeOptions) builderOptions(wanted []ocispecs.Platform) builders.Options {
	return builders.Options{Address: o.address, Name: o.builder, Platforms: wanted}
}

// sayNote tells what is worth knowing of how a builder was chosen.
func sayNote(found builders.Found) {
	if found.Note != "" {
		fmt.Fprintf(os.Stderr, "NOTE: %s\n", found.Note)
	}
}

// checkPush asks once whether the repository may be pushed to.
func (p *place) checkPush(ctx context.Context) error {
	p.pushOnce.Do(func() { p.pushErr = p.registry.CheckPush(ctx, p.repository) })
	return p.pushErr
}

// acquire starts or joins the private pair.
func acquire(ctx context.Context) (*embedded.Lease, error) {
	options, err := embeddedOptions()
	if err != nil {
		return nil, err
	}
	return embedded.Acquire(ctx, options)
}

// builder connects to the builder: the named one, else one at its usual socket, else the private one.
func (p *place) builder(ctx context.Context) (*solve.Builder, error) {
	at := p.address
	if !p.embedded {
		found, err := builders.Options{Address: at}.Find()
		if err != nil {
			return nil, withCode(exitUsage, err)
		}
		at = found.Address
	}
	if at.Addr == "" {
		if err := p.private(ctx, &at); err != nil {
			return nil, withCode(exitBuilder, err)
		}
	}
	b, err := solve.Connect(ctx, at)
	if err != nil && ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return b, err
}

func (p *place) private(ctx context.Context, at *builders.Address) (err error) {
	if p.lease == nil {
		if p.lease, err = acquire(ctx); err != nil {
			return err
		}
	}
	trust, err := p.trust()
	if err != nil {
		return err
	}
	at.Private = true
	at.Addr, err = p.lease.Builder(ctx, trust)
	return err
}

var notInComponent = regexp.MustCompile(`[^a-z0-9]+`)

// pathComponent makes a component of a repository's path from a directory's name: distribution/reference's grammar.
func pathComponent(name string) string {
	return cmp.Or(strings.Trim(notInComponent.ReplaceAllString(strings.ToLower(name), "-"), "-"), "runtime")
}

// warn tells the user what is not an error.
func warn(message string) {
	fmt.Fprintf(os.Stderr, "WARNING: %s\n", message)
}
