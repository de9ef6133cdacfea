package destination

import (
	"context"
	"errors"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/builders"
	"github.com/rtbuild/rtbuild/internal/engine"
	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/internal/planning"
	"github.com/rtbuild/rtbuild/internal/solve"
)

// openStore opens the image store of a Docker engine if the builder is in one: the engine that the user names, or the one that is found
// if nobody names a builder. Otherwise it sets no engine. The error is a *solve.BuilderError.
func (d *Destination) openStore(ctx context.Context) error {
	found := builders.Found{Address: d.options.Builder}
	if found.Addr == "" {
		found = builders.Options{Address: d.options.Builder}.FindEngine()
	} else if _, ok := found.Engine(); !ok {
		return nil
	}
	b, err := d.connectFound(ctx, found)
	if b == nil || err != nil {
		return err
	}
	d.ready, d.Engine = b, b.Engine
	d.Repository = pathComponent(d.options.Name)
	return nil
}

// connectFound connects to a builder. It returns nil if there is none, and if it is an engine that nobody asked for and that cannot be
// used.
func (d *Destination) connectFound(ctx context.Context, found builders.Found) (*solve.Builder, error) {
	if found.Note != "" {
		d.warn(found.Note)
	}
	if found.Addr == "" {
		return nil, nil
	}
	b, err := d.options.Connect(ctx, found.Address)
	if err == nil || found.Origin != builders.EngineHere || ctx.Err() != nil {
		return b, err
	}
	cause, _, _ := strings.Cut(err.Error(), "\n")
	d.warn(cause + "; using the private builder (rtbuild-client doctor --addr docker:// says what the engine needs)")
	return nil, nil
}

// inStore reports whether a reference is in the repository of the engine's store.
func (d *Destination) inStore(ref string) bool {
	return d.Engine != nil && strings.HasPrefix(ref, d.Repository+":")
}

// lookupInStore looks up an image in the engine's store.
func (d *Destination) lookupInStore(ctx context.Context, ref string, platform ocispecs.Platform) (*plan.Image, error) {
	img, err := d.Engine.Image(ctx, ref, platform)
	switch {
	case errors.Is(err, engine.ErrAbsent):
		return nil, planning.Because(planning.ErrAbsent, err)
	case errors.Is(err, engine.ErrOtherPlatform):
		return nil, planning.Because(planning.ErrOtherPlatform, err)
	case err != nil:
		return nil, d.asking(err)
	}
	return &plan.Image{
		Reference: ref, Digest: img.Digest, Labels: img.Config.Labels, Cmd: img.Config.Cmd, Platforms: img.Platforms,
	}, nil
}

// resolveInStore returns the digest of an image in the engine's store. It reports false if the store has none, or if the base must come
// from its registry. The error is a *solve.BuilderError if the engine does not tell.
func (d *Destination) resolveInStore(ctx context.Context, ref string) (digest.Digest, bool, error) {
	if d.Engine == nil || d.PullBase {
		return "", false, nil
	}
	found, err := d.Engine.Resolve(ctx, ref)
	if errors.Is(err, engine.ErrAbsent) {
		return "", false, nil
	}
	if err != nil {
		return "", false, d.asking(err)
	}
	return found, true, nil
}

// asking says that the engine does not tell what it has.
func (d *Destination) asking(err error) error {
	return &solve.BuilderError{Addr: builders.EngineAddress(d.Engine.Context), Doing: "asking", Err: err}
}
