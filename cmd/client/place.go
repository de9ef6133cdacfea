package main

import (
	"context"
	"path/filepath"

	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/spf13/cobra"

	"github.com/rtbuild/rtbuild/internal/builders"
	"github.com/rtbuild/rtbuild/internal/destination"
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

// open decides where a project's images live and are built, and computes what they are called there.
func (o *placeOptions) open(ctx context.Context, p *target, named *projectOptions) (*destination.Destination, error) {
	options, err := o.options()
	if err != nil {
		return nil, err
	}
	builder, err := o.named(p.platforms)
	if err != nil {
		return nil, withCode(exitUsage, err)
	}
	options.Builder = builder.Address
	options.Repository, options.Name, options.Base = namedRepository(p.Project, named), filepath.Base(p.Root), p.Runtime.Base
	d, err := destination.Open(ctx, options)
	if err != nil {
		return nil, err
	}
	if err := p.ComputeTags(ctx, d.Repository); err != nil {
		_ = d.Close()
		return nil, withCode(exitUsage, err)
	}
	return d, nil
}

// options are those of a destination, as far as the flags tell. The builder is not among them.
func (o *placeOptions) options() (destination.Options, error) {
	private, err := embeddedOptions()
	return destination.Options{ConfigDir: o.registryConfig, CAFile: o.caFile, Warn: warn, Private: private}, withCode(exitBuilder, err)
}

// named is the builder that flags or the environment name; empty if none is.
func (o *placeOptions) named(wanted []ocispecs.Platform) (builders.Found, error) {
	found, err := o.builderOptions(wanted).Named()
	if found.Note != "" {
		note(found.Note)
	}
	return found, err
}

func (o *placeOptions) builderOptions(wanted []ocispecs.Platform) builders.Options {
	return builders.Options{Address: o.address, Name: o.builder, Platforms: wanted}
}
