// Package destination opens the place where a runtime's images are built and published: a builder, a repository, and a client
// for its registry. If the user names neither, a Destination uses the private pair, and holds a lease that keeps it running.
package destination

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/rtbuild/rtbuild/internal/builders"
	"github.com/rtbuild/rtbuild/internal/embedded"
	"github.com/rtbuild/rtbuild/internal/engine"
	"github.com/rtbuild/rtbuild/internal/registry"
	"github.com/rtbuild/rtbuild/internal/solve"
)

// Options say where images are built and published.
type Options struct {
	Repository string // HOST/PATH; if empty, a repository in the private registry
	Name       string // of the project; names the repository in the private registry
	Base       string // reference of the base image

	Builder   builders.Address // the builder that the user names; without Addr, one at a usual socket, else the private one
	ConfigDir string           // directory of hosts.toml files
	CAFile    string           // PEM file of authorities that are trusted in addition to the system's
	Warn      func(string)     // receives warnings; nil drops them
	Private   embedded.Options // how to run the private pair

	// Connect connects to a builder. Nil is solve.Connect; tests replace it.
	Connect func(ctx context.Context, at builders.Address) (*solve.Builder, error)
}

// Destination is the builder and the repository of a runtime's images. Call Close to release the private pair.
type Destination struct {
	Repository string // HOST/PATH
	Embedded   bool   // whether the repository is in the private registry
	Registry   *registry.Client

	// Engine is the Docker engine in whose own store the images live, under plain names. Nil if they live in a registry.
	Engine *engine.Engine

	// PullBase is set if the base must come from its registry, even if the engine's store has it.
	PullBase bool

	options    Options
	references []string        // see AddReferences
	lease      *embedded.Lease // nil unless the private pair is used
	ready      *solve.Builder  // the engine's builder, until Builder returns it

	pushOnce sync.Once
	pushErr  error
}

// PairError says that the private pair could not be started or used, or has ended. Its text is that of the cause.
type PairError struct{ Err error }

// Error returns the text of the cause.
func (e *PairError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *PairError) Unwrap() error { return e.Err }

func pairError(err error) error {
	if err == nil {
		return nil
	}
	return &PairError{err}
}

// New returns a destination. It makes no request and takes no lease. It returns an error if a file that the options name cannot
// be used.
func New(options Options) (*Destination, error) {
	if options.Connect == nil {
		options.Connect = solve.Connect
	}
	d := &Destination{Repository: options.Repository, options: options}
	var err error
	d.Registry, err = registry.New(registry.Options{
		ConfigDir: options.ConfigDir, CAFile: options.CAFile, Warn: options.Warn, Login: d.login,
	})
	return d, err
}

// Open returns a destination with a repository: the one in the options; else, if the builder is in a Docker engine, a name in the
// engine's own store; else one in the private registry, which it starts. The error is a *PairError if the private pair cannot be used, or a
// *solve.BuilderError if the engine cannot; any other error is about the options.
func Open(ctx context.Context, options Options) (*Destination, error) {
	d, err := New(options)
	if err != nil {
		return nil, err
	}
	if options.Repository != "" {
		if err := d.LeasePrivate(ctx); err != nil {
			return nil, err
		}
		return d, nil
	}
	if err := d.openStore(ctx); err != nil || d.Engine != nil {
		return d, err
	}
	if options.Builder.Addr != "" {
		return nil, fmt.Errorf("no repository: the builder %s cannot reach the private registry; "+
			"give --repository HOST/PATH, or do not set --addr, --builder, BUILDKIT_HOST and BUILDX_BUILDER", options.Builder.Addr)
	}
	if d.lease, err = embedded.Acquire(ctx, options.Private); err != nil {
		return nil, pairError(err)
	}
	d.Embedded = true
	d.Repository = d.lease.Registry() + "/" + pathComponent(options.Name)
	return d, nil
}

// Close releases the private pair or the engine.
func (d *Destination) Close() error {
	var err error
	if d.ready != nil {
		err = d.ready.Close()
	}
	if d.lease != nil {
		err = errors.Join(err, d.lease.Close())
	}
	return err
}

// AddReferences adds references that the builder will pull or push, so that the private builder is configured for their
// registries. Call it before Builder.
func (d *Destination) AddReferences(refs ...string) { d.references = slices.Concat(d.references, refs) }

// CheckPush checks the right to push to the repository. It asks the registry only once. The error is a *registry.Error if the
// registry refuses.
func (d *Destination) CheckPush(ctx context.Context) error {
	if d.Engine != nil {
		return nil
	}
	d.pushOnce.Do(func() { d.pushErr = d.Registry.CheckPush(ctx, d.Repository) })
	return d.pushErr
}

// Builder connects to the builder: the one that the user names, else the first one that builders.Options finds, else the private one. The
// error is a *PairError, a *solve.BuilderError, or the cause of the context's end.
func (d *Destination) Builder(ctx context.Context) (*solve.Builder, error) {
	b, err := d.connect(ctx)
	if err != nil && ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return b, err
}

func (d *Destination) connect(ctx context.Context) (*solve.Builder, error) {
	if d.ready != nil {
		b := d.ready
		d.ready = nil
		return b, nil
	}
	if d.Embedded {
		return d.connectPrivate(ctx)
	}
	found, err := builders.Options{Address: d.options.Builder}.Find()
	if err != nil {
		return nil, err
	}
	b, err := d.connectFound(ctx, found)
	if b == nil && err == nil {
		return d.connectPrivate(ctx)
	}
	return b, err
}

// connectPrivate starts the private builder and connects to it.
func (d *Destination) connectPrivate(ctx context.Context) (*solve.Builder, error) {
	at := d.options.Builder
	if at.Addr == "" {
		var err error
		if at, err = d.StartPrivate(ctx); err != nil {
			return nil, err
		}
	}
	return d.options.Connect(ctx, at)
}

func (d *Destination) warn(message string) {
	if d.options.Warn != nil {
		d.options.Warn(message)
	}
}

// StartPrivate starts the private builder, unless it runs already, and returns its address. The error is a *PairError.
func (d *Destination) StartPrivate(ctx context.Context) (at builders.Address, err error) {
	if d.lease == nil {
		if d.lease, err = embedded.Acquire(ctx, d.options.Private); err != nil {
			return at, pairError(err)
		}
	}
	conf, err := d.builderTrust()
	if err != nil {
		return at, pairError(err)
	}
	at = d.options.Builder
	at.Private = true
	at.Addr, err = d.lease.Builder(ctx, conf)
	return at, pairError(err)
}

var notInComponent = regexp.MustCompile(`[^a-z0-9]+`)

// pathComponent turns a name into a path component of a repository, by the grammar of distribution/reference.
func pathComponent(name string) string {
	return cmp.Or(strings.Trim(notInComponent.ReplaceAllString(strings.ToLower(name), "-"), "-"), "runtime")
}
