package solve

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/moby/buildkit/client"
	gateway "github.com/moby/buildkit/frontend/gateway/client"

	"github.com/rtbuild/rtbuild/internal/builders"
	"github.com/rtbuild/rtbuild/internal/engine"
	"github.com/rtbuild/rtbuild/internal/imagebuild"
)

// connectEngine connects to the builder in the Docker engine of a context, and checks that it can build. Engines of all ages are in use,
// and one that keeps images in its old store lacks merge and diff. The error is a *BuilderError.
func connectEngine(ctx context.Context, name string) (*Builder, error) {
	addr := builders.EngineAddress(name)
	found, err := engine.Open(name)
	if err != nil {
		return nil, &BuilderError{Addr: addr, Doing: "connecting to", Err: err}
	}
	b := &Builder{Addr: builders.EngineAddress(found.Context), Engine: found}
	if err := b.greet(ctx); err != nil {
		_ = found.Close()
		return nil, &BuilderError{Addr: b.Addr, Doing: "connecting to", Err: err}
	}
	return b, nil
}

// greet opens the connection, and asks the engine for its version and its capabilities.
func (b *Builder) greet(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	if err := b.Engine.Ping(ctx); err != nil { // without it, gRPC would hide the cause behind a timeout
		return err
	}
	c, err := client.New(ctx, "", b.Engine.BuildKit()...)
	if err != nil {
		return err
	}
	b.Client = c
	if info, err := c.Info(ctx); err == nil { // engines before 23 do not tell
		b.Version = info.BuildkitVersion.Version
	}
	if err := b.checkCaps(ctx); err != nil {
		_ = c.Close()
		return err
	}
	return nil
}

// checkCaps returns an *imagebuild.TooOldError if the builder lacks a capability.
func (b *Builder) checkCaps(ctx context.Context) error {
	var lacks error
	_, err := b.Build(ctx, client.SolveOpt{Internal: true}, Product, func(_ context.Context, c gateway.Client) (*gateway.Result, error) {
		if lacks = imagebuild.CheckCaps(c.BuildOpts().LLBCaps); lacks != nil {
			return nil, lacks
		}
		return gateway.NewResult(), nil
	}, nil)
	if lacks != nil {
		return lacks
	}
	return err
}

// engineError returns the text of an error of an engine's builder, and what to do.
func (e *BuilderError) engineError() string {
	if old := new(imagebuild.TooOldError); errors.As(e.Err, &old) {
		return fmt.Sprintf("the Docker engine %s cannot build: its BuildKit lacks %s\n"+
			"an engine can build if it keeps its images in containerd's store, as new installations of version 29 do\n"+
			"turn that on: in Docker Desktop under Settings, General; else by \"features\": {\"containerd-snapshotter\": true} in /etc/docker/daemon.json\n"+
			"or use a builder in a container: docker buildx create --name rtbuild --bootstrap, and give --builder rtbuild", e.Addr, strings.Join(old.Missing, ", "))
	}
	return fmt.Sprintf("%s Docker engine %s: %v\ncheck it with: docker version; docker context ls lists the engines that docker knows "+
		"(rtbuild-client doctor checks more)", e.Doing, e.Addr, e.Err)
}
