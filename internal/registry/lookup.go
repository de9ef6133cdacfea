package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/containerd/containerd/v2/core/remotes/docker"
	"github.com/distribution/reference"
	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/plan"
)

// Answer is what came of one of several lookups: an image or an error.
type Answer struct {
	Ref   string
	Image *Image
	Err   error
}

// LookupAll looks references up side by side, and gives one answer for each, in order.
func (c *Client) LookupAll(ctx context.Context, refs []string, platform ocispecs.Platform) []Answer {
	answers := make([]Answer, len(refs))
	var wg sync.WaitGroup
	for i, ref := range refs {
		wg.Go(func() {
			img, err := c.Lookup(ctx, ref, platform)
			answers[i] = Answer{Ref: ref, Image: img, Err: err}
		})
	}
	wg.Wait()
	return answers
}

// Lookup gives the image for one platform. It takes one request to learn that there is none and three at most for an
// image, authentication and retries aside. An *Error says why there is none; the context's end is given as it is.
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
	img := &Image{Reference: t.asked, Digest: top.digest, Platforms: top.platforms()}
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
		// Only the config tells; an index has told already.
		img.Platforms = []ocispecs.Platform{config.Platform}
		if fault := otherPlatform(config.Platform, platform); fault != nil {
			return nil, t.withOp(fault)
		}
	}
	return img, nil
}

// child fetches the manifest that an index names. The index exists, so what it lacks is not absent but broken.
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
	if _, err := c.ask(ctx, t.from(leaf.host).hosts, r); err != nil {
		return nil, incomplete(err, "the manifest names the config "+desc.Digest.String()+", which the registry does not have")
	}
	return config, nil
}

// incomplete turns an absent part of an image that exists into a broken image: nothing may be built because of it, since
// the tag is taken.
func incomplete(err error, what string) error {
	var fault *Error
	if errors.As(err, &fault) && errors.Is(fault, ErrAbsent) {
		fault.Err, fault.Cause = ErrBroken, errors.New(what)
		fault.Advice = "push the image again, or delete the tag"
	}
	return err
}

// Resolve gives the digest a reference points to, by one HEAD request; a reference that has a digest needs none.
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
			return broken(fmt.Errorf("the header Docker-Content-Digest is no digest: %q", found))
		}
		return nil
	}
	_, err := c.ask(ctx, t.hosts, r)
	var fault *Error
	unsupported := errors.As(err, &fault) && fault.Status == http.StatusMethodNotAllowed
	if err != nil && !unsupported {
		return "", err
	}
	if found != "" && err == nil {
		return found, nil
	}
	// The header is optional, and a few registries do not know HEAD: the manifest itself tells.
	top, err := c.manifest(ctx, t, t.wanted())
	if err != nil {
		return "", err
	}
	return top.digest, nil
}

// withIdleTimeout runs what asks a registry under the client's idle timeout. If that ends it, the error says so.
func withIdleTimeout[T any](ctx context.Context, c *Client, t *target, run func(context.Context) (T, error)) (T, error) {
	limited, cancel := c.withIdleTimeout(ctx)
	defer cancel()
	got, err := run(limited)
	if err == nil || ctx.Err() == nil && limited.Err() == nil {
		return got, err
	}
	if ctx.Err() != nil {
		var none T
		return none, ctx.Err()
	}
	var fault *Error
	if errors.As(err, &fault) {
		return got, err // the cause came before the timeout
	}
	return got, t.withOp(silent(c.timeout))
}

// target is a parsed reference and the hosts that answer for it.
type target struct {
	asked      string
	doing      string
	registry   string
	repository string
	tag        string
	digest     digest.Digest
	push       bool
	hosts      []*host
}

// target parses a reference. Its errors are the user's, not a registry's.
func (c *Client) target(doing, ref string) (*target, error) {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return nil, fmt.Errorf("%s %q: %w", doing, ref, err)
	}
	t := &target{asked: ref, doing: doing, registry: reference.Domain(named), repository: reference.Path(named)}
	named = reference.TagNameOnly(named)
	if tagged, ok := named.(reference.Tagged); ok {
		t.tag = tagged.Tag()
	}
	if digested, ok := named.(reference.Digested); ok {
		t.digest = digested.Digest()
	}
	if t.hosts, err = c.hostsOf(t.registry); err != nil {
		return nil, fmt.Errorf("%s %s: %w", doing, ref, err)
	}
	return t, nil
}

// wanted is the manifest that the reference names: by digest if it has one.
func (t *target) wanted() wanted {
	if t.digest != "" {
		return wanted{digest: t.digest}
	}
	return wanted{tag: t.tag}
}

// from gives the target with the host that answered first in front: it has the rest too.
func (t *target) from(first *host) *target {
	for i, h := range t.hosts {
		if h == first {
			moved := *t
			moved.hosts = t.hosts[i:]
			return &moved
		}
	}
	return t
}

// request begins a request about the target's repository.
func (t *target) request(method string, parts ...string) request {
	r := request{
		doing: t.doing, method: method,
		registry: t.registry, repository: t.repository, reference: t.tag,
		parts: parts, scope: "repository:" + t.repository + ":pull",
	}
	if t.digest != "" {
		r.reference = t.digest.String()
	}
	if t.push {
		r.scope += ",push"
	}
	return r
}

// withOp says in an error what was being done.
func (t *target) withOp(e *Error) *Error { return t.request("").withOp(e) }
