// Package destination is where a runtime's images live and where they are built: a repository, the client that asks its
// registry, and a builder. Without a repository and a builder of the user's, both are the private pair: then a Destination
// holds the lease that keeps them alive.
package destination

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/rtbuild/rtbuild/internal/builders"
	"github.com/rtbuild/rtbuild/internal/embedded"
	"github.com/rtbuild/rtbuild/internal/registry"
	"github.com/rtbuild/rtbuild/internal/solve"
)

// Options say where images live and are built.
type Options struct {
	Repository string // HOST/PATH; empty is a repository in the private registry
	Name       string // of the project: the private registry's repository is called after it
	Base       string // the base image

	Builder   builders.Address // the builder that the user names; without Addr it is one at its usual socket, else the private one
	ConfigDir string           // directory of hosts.toml files
	CAFile    string           // PEM file of authorities that are trusted beside the system's
	Warn      func(string)     // takes warnings; nil drops them
	Private   embedded.Options // how the private pair is run
}

// Destination is where a runtime's images live and are built. Close gives the private pair back.
type Destination struct {
	Repository string // HOST/PATH
	Embedded   bool   // the images live in the private registry
	Registry   *registry.Client

	options Options
	further []string        // what else the builder is asked for, see Use
	lease   *embedded.Lease // nil unless the private pair is used

	pushOnce sync.Once
	pushErr  error
}

// PairError says that the private registry and builder could not be used, or have ended. Its text is that of the cause.
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

// New returns a destination and asks nobody. An error says which of the files that the options name is unusable.
func New(options Options) (*Destination, error) {
	d := &Destination{Repository: options.Repository, options: options}
	var err error
	d.Registry, err = registry.New(registry.Options{
		ConfigDir: options.ConfigDir, CAFile: options.CAFile, Warn: options.Warn, Login: d.login,
	})
	return d, err
}

// Open returns a destination and decides where its images live: in the repository that is named, else in the private
// registry, which then runs. A *PairError says that it cannot; any other error is about the options.
func Open(ctx context.Context, options Options) (*Destination, error) {
	d, err := New(options)
	if err != nil {
		return nil, err
	}
	if options.Repository != "" {
		if err := d.FindPrivate(ctx); err != nil {
			return nil, err
		}
		return d, nil
	}
	if options.Builder.Addr != "" {
		return nil, fmt.Errorf("no repository: the builder %s cannot reach the registry that comes with the private one; "+
			"give --repository HOST/PATH, or leave --addr, --builder, BUILDKIT_HOST and BUILDX_BUILDER out", options.Builder.Addr)
	}
	if d.lease, err = embedded.Acquire(ctx, options.Private); err != nil {
		return nil, pairError(err)
	}
	d.Embedded = true
	d.Repository = d.lease.Registry() + "/" + pathComponent(options.Name)
	return d, nil
}

// Close gives the private pair back.
func (d *Destination) Close() error {
	if d.lease == nil {
		return nil
	}
	return d.lease.Close()
}

// Use names further references that the builder will be asked for, so that the private builder is told how to reach them.
func (d *Destination) Use(refs ...string) { d.further = slices.Concat(d.further, refs) }

// CheckPush asks, once, whether the repository may be pushed to. A *registry.Error says why not.
func (d *Destination) CheckPush(ctx context.Context) error {
	d.pushOnce.Do(func() { d.pushErr = d.Registry.CheckPush(ctx, d.Repository) })
	return d.pushErr
}

// Builder connects to the builder: the one that is named, one that runs where packages put it, or the private one. The error is
// a *PairError, a *solve.BuilderError, or the cause of the context's end.
func (d *Destination) Builder(ctx context.Context) (*solve.Builder, error) {
	at := d.options.Builder
	if !d.Embedded {
		found, err := builders.Options{Address: at}.Find()
		if err != nil {
			return nil, err
		}
		at = found.Address
	}
	if at.Addr == "" {
		var err error
		if at, err = d.StartPrivate(ctx); err != nil {
			return nil, err
		}
	}
	b, err := solve.Connect(ctx, at)
	if err != nil && ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return b, err
}

// StartPrivate starts the private builder, if it does not run, and returns how to reach it. The error is a *PairError.
func (d *Destination) StartPrivate(ctx context.Context) (at builders.Address, err error) {
	if d.lease == nil {
		if d.lease, err = embedded.Acquire(ctx, d.options.Private); err != nil {
			return at, pairError(err)
		}
	}
	given, err := d.trust()
	if err != nil {
		return at, pairError(err)
	}
	at = d.options.Builder
	at.Private = true
	at.Addr, err = d.lease.Builder(ctx, given)
	return at, pairError(err)
}

var notInComponent = regexp.MustCompile(`[^a-z0-9]+`)

// pathComponent makes a component of a repository's path from a name: distribution/reference's grammar.
func pathComponent(name string) string {
	return cmp.Or(strings.Trim(notInComponent.ReplaceAllString(strings.ToLower(name), "-"), "-"), "runtime")
}
