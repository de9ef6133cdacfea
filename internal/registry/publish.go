package registry

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"time"

	"github.com/containerd/containerd/v2/core/remotes/docker"
	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// maxRounds is how often MergeIndex writes a tag if others write it at the same time.
const maxRounds = 8

// minSettle is the shortest delay between writing a tag and reading it again.
const minSettle = 100 * time.Millisecond

// visibilityDelays are the delays between reads until a registry serves what it accepted: some serve from replicas that lag.
var visibilityDelays = []time.Duration{minSettle, 2 * minSettle, 4 * minSettle, 8 * minSettle, 16 * minSettle, 32 * minSettle, 64 * minSettle}

// Pushed is an image or an index that was pushed by its digest, without a tag.
type Pushed struct {
	Digest    digest.Digest
	Platforms []ocispecs.Platform // the platforms to publish; for an image, the one that it is for
	Replace   bool                // also replace a tag whose content cannot be read
	Watch     bool                // others probably write the tag now: wait a while before the tag is read again
}

// MergeIndex adds the platforms of a pushed image or index to a tag, and returns the digest that the tag then points to. The
// tag keeps its images for other platforms: it becomes, or stays, an index. If it has no others, it points to what was pushed.
//
// Registries have no compare-and-swap. So MergeIndex reads the tag right before it writes it and again afterwards, and starts
// over if another writer has overwritten it. With Watch it waits before the second read, several times as long as its own
// read and write took: a writer that read the tag earlier has then most likely written it. If the tag still has its old
// digest, MergeIndex waits: no writer restores that, but some registries serve a new manifest late.
//
// The error is an *Error of kind ErrImmutable if the registry does not let the tag move, unless the tag has the right content
// already. The other errors are those of Lookup.
func (c *Client) MergeIndex(ctx context.Context, ref string, pushed Pushed) (digest.Digest, error) {
	t, err := c.target("publishing", ref)
	if err != nil {
		return "", err
	}
	t.push, t.digest = true, ""
	// Mirrors may lag behind: read from the host that is written to.
	t.hosts = slices.DeleteFunc(slices.Clone(t.hosts), func(h *host) bool { return !h.Capabilities.Has(docker.HostCapabilityPush) })
	return withIdleTimeout(ctx, c, t, func(ctx context.Context) (digest.Digest, error) { return c.publish(ctx, t, pushed) })
}

func (c *Client) publish(ctx context.Context, t *target, pushed Pushed) (digest.Digest, error) {
	added, err := c.waitForPushed(ctx, t, pushed.Digest)
	if err != nil {
		return "", incomplete(err, "the manifest that was just pushed is missing")
	}
	for range maxRounds {
		now, done, err := c.publishOnce(ctx, t, added, pushed)
		if err != nil || done {
			return now, err
		}
	}
	return "", t.withOp(&Error{Err: ErrBroken, Cause: fmt.Errorf("others changed the tag %d times while it was published", maxRounds),
		Advice: "stop other builds that publish this tag, and try again"})
}

// publishOnce writes the tag once, unless it has the right content already. done is false if another writer interfered.
func (c *Client) publishOnce(ctx context.Context, t *target, added *manifest, pushed Pushed) (now digest.Digest, done bool, err error) {
	before, err := c.readTag(ctx, t, pushed.Replace)
	if err != nil {
		return "", false, err
	}
	after, err := merge(before, added, pushed.Platforms)
	if err != nil {
		return "", false, err
	}
	if after.digest == before.digest {
		return after.digest, true, nil
	}
	if unchanged, err := c.unchanged(ctx, t, &before); err != nil || !unchanged {
		return "", false, err
	}
	if err := c.put(ctx, t, after); err != nil {
		return "", false, err
	}
	if pushed.Watch {
		if err := c.pause(ctx, max(minSettle, 4*time.Since(before.read))); err != nil {
			return "", false, err
		}
	}
	done, err = c.confirm(ctx, t, before.digest, after.digest)
	return after.digest, done, err
}

// unchanged reports whether the tag still has the digest that readTag found: reading its content may have taken many
// requests. It skips the check for an absent tag, which took one request only, unless this process was held up since: another writer
// waits minSettle at least. For an unreadable tag it sets the digest.
func (c *Client) unchanged(ctx context.Context, t *target, before *tagState) (bool, error) {
	if before.digest == "" && !before.unreadable && time.Since(before.read) < minSettle/2 {
		return true, nil
	}
	read := time.Now()
	now, err := c.currentDigest(ctx, t)
	if before.unreadable {
		before.digest = now
	}
	same := now == before.digest
	before.read = read
	return same, err
}

// confirm reports whether the tag has the digest that was written, and not that of another writer. While it has the old digest,
// confirm waits. It warns and reports true if that does not change, since the registry accepted the write.
func (c *Client) confirm(ctx context.Context, t *target, before, after digest.Digest) (bool, error) {
	var now digest.Digest
	changed, err := c.poll(ctx, func() (_ bool, err error) {
		now, err = c.currentDigest(ctx, t)
		return now != before, err
	})
	if err != nil || changed {
		return now == after, err
	}
	c.warn(fmt.Sprintf("%s: the registry accepted %s, but does not serve it yet", t.ref, after))
	return true, nil
}

// waitForPushed fetches a manifest that was just pushed. While the registry does not serve it yet, waitForPushed waits.
func (c *Client) waitForPushed(ctx context.Context, t *target, pushed digest.Digest) (found *manifest, err error) {
	_, ended := c.poll(ctx, func() (bool, error) {
		found, err = c.manifest(ctx, t, wanted{digest: pushed})
		return !errors.Is(err, ErrAbsent), nil
	})
	return found, cmp.Or(ended, err)
}

// poll calls check until it returns true or an error, with visibilityDelays between.
func (c *Client) poll(ctx context.Context, check func() (bool, error)) (bool, error) {
	for _, delay := range visibilityDelays {
		if done, err := check(); done || err != nil {
			return done, err
		}
		if err := c.pause(ctx, delay); err != nil {
			return false, err
		}
	}
	return check()
}

// tagState is the content of a tag before it is written.
type tagState struct {
	digest     digest.Digest // empty if the tag is absent or unreadable
	index      ocispecs.Index
	unreadable bool
	read       time.Time // when it was read
}

// readTag reads the content of a tag. For a manifest, it returns an index with that manifest alone.
func (c *Client) readTag(ctx context.Context, t *target, replace bool) (tagState, error) {
	read := time.Now()
	top, err := c.manifest(ctx, t, t.wanted())
	switch {
	case errors.Is(err, ErrAbsent):
		return tagState{index: emptyIndex(), read: read}, nil
	case errors.Is(err, ErrBroken) && replace:
		return tagState{index: emptyIndex(), unreadable: true, read: read}, nil
	case err != nil:
		return tagState{}, err
	}
	found := tagState{digest: top.digest, index: emptyIndex(), read: read}
	if top.index != nil {
		found.index = *top.index
		found.index.MediaType = ocispecs.MediaTypeImageIndex
	} else {
		found.index.Manifests = []ocispecs.Descriptor{top.descriptor()}
	}
	err = c.fillPlatforms(ctx, t, &found.index)
	if errors.Is(err, ErrBroken) && replace {
		return tagState{digest: top.digest, index: emptyIndex(), read: read}, nil
	}
	return found, err
}

// fillPlatforms adds the platforms that only the images' configs name. It drops images without any platform.
func (c *Client) fillPlatforms(ctx context.Context, t *target, index *ocispecs.Index) error {
	var all []ocispecs.Descriptor
	for _, d := range index.Manifests {
		if d.Platform == nil && isPlatformImage(d) {
			leaf, err := c.manifest(ctx, t, wanted{digest: d.Digest})
			if err != nil {
				return incomplete(err, "the tag names the manifest "+d.Digest.String()+", which the registry does not have")
			}
			config, err := c.config(ctx, t, leaf)
			if err != nil {
				return err
			}
			if config.OS == "" || config.Architecture == "" {
				continue
			}
			d.Platform = &ocispecs.Platform{
				OS: config.OS, Architecture: config.Architecture, Variant: config.Variant,
				OSVersion: config.OSVersion, OSFeatures: config.OSFeatures,
			}
		}
		all = append(all, d)
	}
	index.Manifests = all
	return nil
}

// merge returns the manifest that the tag must point to: added for the given platforms, with the tag's other content.
func merge(before tagState, added *manifest, platforms []ocispecs.Platform) (*manifest, error) {
	var entries []ocispecs.Descriptor
	if added.index != nil {
		entries = entriesFor(*added.index, platforms)
	} else if len(platforms) == 1 {
		entry := added.descriptor()
		entry.Platform = &platforms[0]
		entries = []ocispecs.Descriptor{entry}
	}
	if len(entries) == 0 {
		return nil, fmt.Errorf("%s holds no image for the platforms to publish", added.digest)
	}
	index := withEntries(before.index, entries)
	if added.index != nil && len(added.index.Annotations) > 0 {
		index.Annotations = maps.Clone(index.Annotations)
		if index.Annotations == nil {
			index.Annotations = map[string]string{}
		}
		maps.Copy(index.Annotations, added.index.Annotations)
	}
	switch {
	case added.image != nil && len(index.Manifests) == 1:
		return added, nil
	case added.index != nil && reflect.DeepEqual(index, *added.index):
		return added, nil
	case before.digest != "" && reflect.DeepEqual(index, before.index):
		return &manifest{digest: before.digest}, nil
	}
	body, err := json.MarshalIndent(index, "", "  ")
	return &manifest{digest: digest.FromBytes(body), mediaType: index.MediaType, body: body}, err
}

// currentDigest returns the tag's digest, or "" if it is absent.
func (c *Client) currentDigest(ctx context.Context, t *target) (digest.Digest, error) {
	now, err := c.resolve(ctx, t)
	if errors.Is(err, ErrAbsent) {
		return "", nil
	}
	return now, err
}

// put writes a manifest under the tag.
func (c *Client) put(ctx context.Context, t *target, m *manifest) error {
	r := t.request(http.MethodPut, "manifests", t.tag)
	r.needs, r.limit = docker.HostCapabilityPush, maxRefusal
	r.body, r.contentType = bytes.NewReader(m.body), m.mediaType
	r.check = func(*response) *Error { return nil }
	_, err := c.do(ctx, t.hosts, r)
	return asImmutable(asPushDenied(err))
}
