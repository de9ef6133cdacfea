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

// maxRounds is how often a tag is written anew that others write at the same time.
const maxRounds = 8

// minSettle is the least time after which a tag is read again that was written.
const minSettle = 100 * time.Millisecond

// lateness is how long a registry may take to show what it has taken: some answer from copies that follow.
var lateness = []time.Duration{minSettle, 2 * minSettle, 4 * minSettle, 8 * minSettle, 16 * minSettle, 32 * minSettle, 64 * minSettle}

// Pushed is an image or an index that is in a repository by its digest alone.
type Pushed struct {
	Digest    digest.Digest
	Platforms []ocispecs.Platform // the tag takes these of it; the only one of an image
	Replace   bool                // also a tag whose content cannot be read
	Watch     bool                // others probably write the tag at this time: it is read again some time after, too
}

// MergeIndex lets a tag show what was pushed, and gives the digest that the tag points to then. What the tag holds for other
// platforms stays: it becomes, or stays, an index. A tag that holds nothing else points to what was pushed itself.
//
// Registries cannot compare and swap. So the tag is read right before it is written and again after, and all is repeated if it
// shows what another writer put there, who did not see ours. With Watch some time lies between: several times what lies between our
// own reading and writing, so that another writer that has read before us will most likely have written then. A tag that still
// shows what it did before is waited for: no writer puts that back, but some registries show late what they have taken.
//
// A tag that the registry does not let move is ErrImmutable, unless it shows what was pushed already.
func (c *Client) MergeIndex(ctx context.Context, ref string, pushed Pushed) (digest.Digest, error) {
	t, err := c.target("publishing", ref)
	if err != nil {
		return "", err
	}
	t.push, t.digest = true, ""
	// A mirror may be behind: what is read must be what is written to.
	t.hosts = slices.DeleteFunc(slices.Clone(t.hosts), func(h *host) bool { return !h.Capabilities.Has(docker.HostCapabilityPush) })
	return withIdleTimeout(ctx, c, t, func(ctx context.Context) (digest.Digest, error) { return c.publish(ctx, t, pushed) })
}

func (c *Client) publish(ctx context.Context, t *target, pushed Pushed) (digest.Digest, error) {
	made, err := c.arrived(ctx, t, pushed.Digest)
	if err != nil {
		return "", incomplete(err, "what was pushed there a moment ago is gone")
	}
	for range maxRounds {
		now, done, err := c.round(ctx, t, made, pushed)
		if err != nil || done {
			return now, err
		}
	}
	return "", t.withOp(&Error{Err: ErrBroken, Cause: fmt.Errorf("the tag has changed under our hands %d times", maxRounds),
		Advice: "let no others write it meanwhile, and try again"})
}

// round writes the tag once, unless it shows what was made already. It is not done if another writer came between.
func (c *Client) round(ctx context.Context, t *target, made *manifest, pushed Pushed) (now digest.Digest, done bool, err error) {
	before, err := c.held(ctx, t, pushed.Replace)
	if err != nil {
		return "", false, err
	}
	after, err := compose(before, made, pushed.Platforms)
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
	done, err = c.shows(ctx, t, before.digest, after.digest)
	return after.digest, done, err
}

// unchanged reports whether a tag is as it was read, which may have taken many requests. Where it was absent, it has taken one, and
// another would not be nearer to the writing. Of a tag that could not be read it learns what it points to.
func (c *Client) unchanged(ctx context.Context, t *target, before *held) (bool, error) {
	if before.digest == "" && !before.unreadable {
		return true, nil
	}
	asked := time.Now()
	now, err := c.pointsTo(ctx, t)
	if before.unreadable {
		before.digest = now
	}
	same := now == before.digest
	before.read = asked
	return same, err
}

// shows reports whether a tag shows what was written, and not what another writer put there. One that shows what it did before is
// waited for, in the end in vain: the registry has taken what was written.
func (c *Client) shows(ctx context.Context, t *target, before, after digest.Digest) (bool, error) {
	var now digest.Digest
	known, err := c.eventually(ctx, func() (_ bool, err error) {
		now, err = c.pointsTo(ctx, t)
		return now != before, err
	})
	if err != nil || known {
		return now == after, err
	}
	c.warn(fmt.Sprintf("%s: the registry has taken %s, but does not show it yet", t.asked, after))
	return true, nil
}

// arrived fetches what was pushed a moment ago.
func (c *Client) arrived(ctx context.Context, t *target, pushed digest.Digest) (made *manifest, err error) {
	_, ended := c.eventually(ctx, func() (bool, error) {
		made, err = c.manifest(ctx, t, wanted{digest: pushed})
		return !errors.Is(err, ErrAbsent), nil
	})
	return made, cmp.Or(ended, err)
}

// eventually looks until there is what is looked for, for as long as a registry may be late.
func (c *Client) eventually(ctx context.Context, look func() (bool, error)) (bool, error) {
	for _, wait := range lateness {
		if found, err := look(); found || err != nil {
			return found, err
		}
		if err := c.pause(ctx, wait); err != nil {
			return false, err
		}
	}
	return look()
}

// held is what a tag holds, as far as it stays when a platform's image is put there.
type held struct {
	digest     digest.Digest // empty if the tag is absent or unreadable
	index      ocispecs.Index
	unreadable bool
	read       time.Time // when
}

// held reads what a tag points to. A platform's manifest is given as an index of it alone.
func (c *Client) held(ctx context.Context, t *target, replace bool) (held, error) {
	read := time.Now()
	top, err := c.manifest(ctx, t, t.wanted())
	switch {
	case errors.Is(err, ErrAbsent):
		return held{index: emptyIndex(), read: read}, nil
	case errors.Is(err, ErrBroken) && replace:
		return held{index: emptyIndex(), unreadable: true, read: read}, nil
	case err != nil:
		return held{}, err
	}
	found := held{digest: top.digest, index: emptyIndex(), read: read}
	if top.index != nil {
		found.index = *top.index
		found.index.MediaType = ocispecs.MediaTypeImageIndex
	} else {
		found.index.Manifests = []ocispecs.Descriptor{top.descriptor()}
	}
	err = c.fillPlatforms(ctx, t, &found.index)
	if errors.Is(err, ErrBroken) && replace {
		return held{digest: top.digest, index: emptyIndex(), read: read}, nil
	}
	return found, err
}

// fillPlatforms looks up the platforms that only configs tell. An image that has none gives way to whatever comes.
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

// compose is what the tag points to when it has taken what was made.
func compose(before held, made *manifest, taken []ocispecs.Platform) (*manifest, error) {
	var entries []ocispecs.Descriptor
	if made.index != nil {
		entries = entriesFor(*made.index, taken)
	} else if len(taken) == 1 {
		entry := made.descriptor()
		entry.Platform = &taken[0]
		entries = []ocispecs.Descriptor{entry}
	}
	if len(entries) == 0 {
		return nil, fmt.Errorf("%s holds no image for the platforms that are to be published", made.digest)
	}
	index := withEntries(before.index, entries)
	if made.index != nil && len(made.index.Annotations) > 0 {
		index.Annotations = maps.Clone(index.Annotations)
		if index.Annotations == nil {
			index.Annotations = map[string]string{}
		}
		maps.Copy(index.Annotations, made.index.Annotations)
	}
	switch {
	case made.image != nil && len(index.Manifests) == 1:
		return made, nil
	case made.index != nil && reflect.DeepEqual(index, *made.index):
		return made, nil
	case before.digest != "" && reflect.DeepEqual(index, before.index):
		return &manifest{digest: before.digest}, nil
	}
	body, err := json.MarshalIndent(index, "", "  ")
	return &manifest{digest: digest.FromBytes(body), mediaType: index.MediaType, body: body}, err
}

// pointsTo is the tag's digest now; empty if it is absent.
func (c *Client) pointsTo(ctx context.Context, t *target) (digest.Digest, error) {
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
	_, err := c.ask(ctx, t.hosts, r)
	return notMovable(notPushable(err))
}
