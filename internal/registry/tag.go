package registry

import (
	"context"

	"github.com/opencontainers/go-digest"
)

// Tag makes a tag name a manifest or an index that its repository holds. Unlike MergeIndex it replaces what the tag names: it is for
// names of the user, such as latest, which move as a whole.
//
// The error is an *Error of kind ErrImmutable if the registry does not let the tag move. The other errors are those of Lookup.
func (c *Client) Tag(ctx context.Context, ref string, of digest.Digest) error {
	t, err := c.target("tagging", ref)
	if err != nil {
		return err
	}
	t.push, t.digest = true, ""
	_, err = withIdleTimeout(ctx, c, t, func(ctx context.Context) (digest.Digest, error) { return of, c.tag(ctx, t, of) })
	return err
}

func (c *Client) tag(ctx context.Context, t *target, of digest.Digest) error {
	before, err := c.currentDigest(ctx, t)
	if err != nil || before == of {
		return err
	}
	m, err := c.manifest(ctx, t, wanted{digest: of})
	if err != nil {
		return incomplete(err, "the manifest to tag is missing")
	}
	if err := c.put(ctx, t, m); err != nil {
		return err
	}
	_, err = c.confirm(ctx, t, before, of)
	return err
}
