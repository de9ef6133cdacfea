package engine

import (
	"context"
	"errors"
	"fmt"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/containerd/platforms"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	"github.com/moby/moby/api/types/image"
	"github.com/moby/moby/client"
	"github.com/moby/moby/client/pkg/versions"
	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// Why the store has no usable image.
var (
	ErrAbsent        = errors.New("the Docker engine has no such image")
	ErrOtherPlatform = errors.New("the Docker engine has the image for other platforms only")
)

// Image is an image in the engine's store.
type Image struct {
	Digest    digest.Digest                   // what the name points to, a manifest or an index
	Platforms []ocispecs.Platform             // those whose content is there
	Config    dockerspec.DockerOCIImageConfig // of one platform
}

// manifestsSince is the API version of version 28 of the engine, from which on it tells the platforms of an image.
const manifestsSince = "1.49"

// Image returns an image in the engine's store for a platform. The error wraps ErrAbsent, or ErrOtherPlatform if the content for the
// platform is not there, even if an index lists it.
func (e *Engine) Image(ctx context.Context, ref string, platform ocispecs.Platform) (*Image, error) {
	if err := e.Ping(ctx); err != nil {
		return nil, err
	}
	if versions.LessThan(e.ClientVersion(), manifestsSince) {
		return e.onlyImage(ctx, ref, platform)
	}
	found, err := e.inspect(ctx, ref, client.ImageInspectWithManifests(true))
	if err != nil {
		return nil, err
	}
	img := &Image{Digest: targetDigest(found)}
	for _, m := range found.Manifests {
		if m.Kind == image.ManifestKindImage && m.Available && m.ImageData != nil {
			img.Platforms = append(img.Platforms, m.ImageData.Platform)
		}
	}
	of, ok := match(img.Platforms, platform)
	if !ok {
		return nil, fmt.Errorf("%s: %w", ref, ErrOtherPlatform)
	}
	if found, err = e.inspect(ctx, ref, client.ImageInspectWithPlatform(&of)); err != nil {
		return nil, err
	}
	img.Config = *found.Config
	return img, nil
}

// onlyImage returns an image of an engine that tells one platform only.
func (e *Engine) onlyImage(ctx context.Context, ref string, platform ocispecs.Platform) (*Image, error) {
	found, err := e.inspect(ctx, ref)
	if err != nil {
		return nil, err
	}
	has := []ocispecs.Platform{{OS: found.Os, Architecture: found.Architecture, Variant: found.Variant}}
	if _, ok := match(has, platform); !ok || found.Config == nil {
		return nil, fmt.Errorf("%s: %w", ref, ErrOtherPlatform)
	}
	return &Image{Digest: targetDigest(found), Platforms: has, Config: *found.Config}, nil
}

func (e *Engine) inspect(ctx context.Context, ref string, options ...client.ImageInspectOption) (client.ImageInspectResult, error) {
	found, err := e.ImageInspect(ctx, ref, options...)
	if cerrdefs.IsNotFound(err) {
		return found, fmt.Errorf("%s: %w", ref, ErrAbsent)
	}
	return found, err
}

// Resolve returns the digest that a name in the engine's store points to. The error wraps ErrAbsent.
func (e *Engine) Resolve(ctx context.Context, ref string) (digest.Digest, error) {
	found, err := e.inspect(ctx, ref)
	return targetDigest(found), err
}

// targetDigest returns what the image's name points to. In containerd's store, that is the image's ID, too.
func targetDigest(found client.ImageInspectResult) digest.Digest {
	if found.Descriptor != nil {
		return found.Descriptor.Digest
	}
	return digest.Digest(found.ID)
}

// match returns the platform of a list that is the wanted one, in the list's spelling.
func match(has []ocispecs.Platform, wanted ocispecs.Platform) (ocispecs.Platform, bool) {
	same := platforms.OnlyStrict(wanted)
	for _, p := range has {
		if same.Match(platforms.Normalize(p)) {
			return p, true
		}
	}
	return ocispecs.Platform{}, false
}
