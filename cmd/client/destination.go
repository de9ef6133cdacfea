package main

import (
	"context"

	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/builders"
	"github.com/rtbuild/rtbuild/internal/destination"
	"github.com/rtbuild/rtbuild/internal/options"
)

// openDestination opens the builder and the repository of a project, and computes the project's tags.
func openDestination(ctx context.Context, p *target, o *options.Builder) (*destination.Destination, error) {
	at, err := destinationOptions(o)
	if err != nil {
		return nil, err
	}
	builder, err := builderOptions(o, p.platforms).Named()
	if builder.Note != "" {
		note(builder.Note)
	}
	if err != nil {
		return nil, withCode(exitUsage, err)
	}
	at.Builder = builder.Address
	at.Repository, at.Name, at.Base = p.repository, p.Name(), p.Runtime.Base
	d, err := destination.Open(ctx, at)
	if err != nil {
		return nil, err
	}
	if err := p.ComputeTags(ctx, d.Repository); err != nil {
		_ = d.Close()
		return nil, withCode(exitUsage, err)
	}
	return d, nil
}

// destinationOptions returns the options of a destination from flags, without the builder.
func destinationOptions(o *options.Builder) (destination.Options, error) {
	private, err := embeddedOptions()
	return destination.Options{ConfigDir: o.RegistryConfig, CAFile: o.CAFile, Warn: warn, Private: private}, withCode(exitBuilder, err)
}

// builderOptions returns the options of the builder from flags.
func builderOptions(o *options.Builder, wanted []ocispecs.Platform) builders.Options {
	address := builders.Address{
		Addr: o.Addr, CACert: o.TLS.CACert, Cert: o.TLS.Cert, Key: o.TLS.Key, ServerName: o.TLS.ServerName, Dir: o.TLS.Dir,
	}
	return builders.Options{Address: address, Name: o.Name, Platforms: wanted}
}
