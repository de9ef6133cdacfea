package destination

import (
	"context"
	"errors"

	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/internal/planning"
	"github.com/rtbuild/rtbuild/internal/registry"
)

// reasons maps the kinds of a registry's errors to those of planning.
var reasons = []struct{ from, to error }{
	{registry.ErrAbsent, planning.ErrAbsent},
	{registry.ErrNoPlatform, planning.ErrOtherPlatform},
	{registry.ErrDenied, planning.ErrDenied},
	{registry.ErrBroken, planning.ErrBroken},
	{registry.ErrUnreachable, planning.ErrUnreachable},
	{registry.ErrThrottled, planning.ErrUnreachable},
}

// Lookup implements planning.Looker with a request to the registry, or to the engine in whose store the images live.
func (d *Destination) Lookup(ctx context.Context, ref string, platform ocispecs.Platform) (*plan.Image, error) {
	if d.inStore(ref) {
		return d.lookupInStore(ctx, ref, platform)
	}
	img, err := d.Registry.Lookup(ctx, ref, platform)
	if ended := d.Err(); ended != nil {
		return nil, ended
	}
	for _, reason := range reasons {
		if errors.Is(err, reason.from) {
			return nil, planning.Because(reason.to, err)
		}
	}
	if err != nil {
		return nil, err
	}
	return &plan.Image{
		Reference: img.Reference, Digest: img.Digest, Labels: img.Config.Config.Labels, Cmd: img.Config.Config.Cmd, Platforms: img.Platforms,
	}, nil
}

// Resolve implements planning.Looker with one HEAD request. The digest is that of the index, the same for all platforms. An image in the
// engine's store needs no request to a registry.
func (d *Destination) Resolve(ctx context.Context, ref string, _ ocispecs.Platform) (digest.Digest, error) {
	if found, ok, err := d.resolveInStore(ctx, ref); ok || err != nil {
		return found, err
	}
	found, err := d.Registry.Resolve(ctx, ref)
	if ended := d.Err(); ended != nil {
		return "", ended
	}
	return found, err
}
