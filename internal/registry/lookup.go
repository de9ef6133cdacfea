package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/containerd/containerd/v2/core/remotes/docker"
	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/plan"
)

// LookupResult is the result of one of several lookups: an image or an error.
type LookupResult struct {
	Ref   string
	Image *Image
	Err   error
}

// LookupAll looks up references concurrently. It returns one result for each, in order.
func (c *Client) LookupAll(ctx context.Context, refs []string, platform ocispecs.Platform) []LookupResult {
	results := make([]LookupResult, len(refs))
	var wg sync.WaitGroup
	for i, ref := range refs {
		wg.Go(func() {
			img, err := c.Lookup(ctx, ref, platform)
			results[i] = LookupResult{Ref: ref, Image: img, Err: err}
		})
	}
	wg.Wait()
	return results
}

// Lookup returns the image for one platform. Apart from authentication and retries, it takes at most three requests, and one
// to find that there is no image.
//
// A malformed reference or hosts.toml gives an ordinary error, and the end of ctx gives the context's error. Any other error
// is an *Error, usually ErrAbsent, ErrNoPlatform, ErrDenied, ErrThrottled, ErrUnreachable or ErrBroken.
func (c *Client) Lookup(ctx context.Context, ref string, platform ocispecs.Platform) (*Image, error) {
	t, err := c.target("looking up", ref)
	if err != nil {
		return nil, err
	}
	return withIdleTimeout(ctx, c, t, func(ctx context.Context) (*Image, error) { return c.lookup(ctx, t, platform) })
}

func (c *Client) lookup(ctx context.Context, t *target, platform ocispecs.Platform) (*Image, error) {
	top, err := c.manifest(ctx, t, t.wanted())
	if err != nil {
		return nil, err
	}
	img := &Image{Reference: t.ref, Digest: top.digest, Platforms: top.platforms()}
	leaf, indexed := top, ocispecs.Platform{}
	if top.index != nil {
		entry, fault := top.pick(platform)
		if fault != nil {
			return nil, t.withOp(fault)
		}
		if leaf, err = c.child(ctx, t, top, entry); err != nil {
			return nil, err
		}
		if entry.Platform != nil {
			indexed = *entry.Platform
		}
	}
	config, err := c.config(ctx, t, leaf)
	if err != nil {
		return nil, err
	}
	claims := []plan.Claim{{By: "the index", Platform: indexed}, {By: "the config", Platform: config.Platform}}
	if err := plan.Disagreement(claims, config.Config.Labels, leaf.image.Annotations); err != nil {
		fault := broken(fmt.Errorf("its parts are for different platforms: %w", err))
		fault.Advice = "push the image again, or delete the tag"
		return nil, t.withOp(fault)
	}
	img.Manifest, img.Layers, img.Annotations, img.Config = leaf.digest, leaf.image.Layers, leaf.image.Annotations, *config
	if top.index == nil || len(img.Platforms) == 0 {
		// No index has named the platform, so only the config does.
		img.Platforms = []ocispecs.Platform{config.Platform}
		if fault := otherPlatform(config.Platform, platform); fault != nil {
			return nil, t.withOp(fault)
		}
	}
	return img, nil
}

// child fetches the manifest that an index names. If it is missing, the error is ErrBroken, since the index exists.
func (c *Client) child(ctx context.Context, t *target, top *manifest, entry ocispecs.Descriptor) (*manifest, error) {
	leaf, err := c.manifest(ctx, t.from(top.host), wanted{digest: entry.Digest})
	if err != nil {
		return nil, incomplete(err, "the index names the manifest "+entry.Digest.String()+", which the registry does not have")
	}
	if leaf.index != nil {
		return nil, t.withOp(broken(fmt.Errorf("the index names another index, %s, as a platform's manifest", entry.Digest)))
	}
	return leaf, nil
}

// config fetches the config that a manifest names.
func (c *Client) config(ctx context.Context, t *target, leaf *manifest) (*ocispecs.Image, error) {
	desc := leaf.image.Config
	if !isConfig(desc.MediaType) {
		return nil, t.withOp(broken(fmt.Errorf("not a container image: its config is of type %q", desc.MediaType)))
	}
	config := new(ocispecs.Image)
	r := t.request(http.MethodGet, "blobs", desc.Digest.String())
	r.limit, r.needs = maxConfig, docker.HostCapabilityPull
	r.check = func(a *response) *Error {
		if err := verify(desc.Digest, a.body); err != nil {
			return broken(err)
		}
		return parse(a.body, "config", config)
	}
	if _, err := c.do(ctx, t.from(leaf.host).hosts, r); err != nil {
		return nil, incomplete(err, "the manifest names the config "+desc.Digest.String()+", which the registry does not have")
	}
	return config, nil
}

// incomplete turns ErrAbsent into ErrBroken where a part of an existing image is missing. ErrAbsent would start a build,
// although the tag is taken.
func incomplete(err error, what string) error {
	var fault *Error
	if errors.As(err, &fault) && errors.Is(fault, ErrAbsent) {
		fault.Err, fault.Cause = ErrBroken, errors.New(what)
		fault.Advice = "push the image again, or delete the tag"
	}
	return err
}

// Resolve returns the digest that a reference points to. It takes one HEAD request, or none if the reference has a digest.
// Its errors are those of Lookup, but for ErrNoPlatform.
func (c *Client) Resolve(ctx context.Context, ref string) (digest.Digest, error) {
	t, err := c.target("resolving", ref)
	if err != nil {
		return "", err
	}
	if t.digest != "" {
		return t.digest, nil
	}
	return withIdleTimeout(ctx, c, t, func(ctx context.Context) (digest.Digest, error) { return c.resolve(ctx, t) })
}

func (c *Client) resolve(ctx context.Context, t *target) (digest.Digest, error) {
	var found digest.Digest
	r := t.request(http.MethodHead, "manifests", t.tag)
	r.header = acceptManifests
	r.needs = docker.HostCapabilityResolve
	r.check = func(a *response) *Error {
		found = digest.Digest(a.header.Get("Docker-Content-Digest"))
		if found != "" && found.Validate() != nil {
			return broken(fmt.Errorf("the header Docker-Content-Digest is not a digest: %q", found))
		}
		return nil
	}
	_, err := c.do(ctx, t.hosts, r)
	var fault *Error
	unsupported := errors.As(err, &fault) && fault.Status == http.StatusMethodNotAllowed
	if err != nil && !unsupported {
		return "", err
	}
	if found != "" && err == nil {
		return found, nil
	}
	// The header is optional, and a few registries do not support HEAD: fetch the manifest and compute its digest.
	top, err := c.manifest(ctx, t, t.wanted())
	if err != nil {
		return "", err
	}
	return top.digest, nil
}
