package registry

import (
	"fmt"

	"github.com/distribution/reference"
	"github.com/opencontainers/go-digest"
)

// target is a parsed reference and the hosts of its registry.
type target struct {
	ref        string // as the caller wrote it
	doing      string // for messages
	registry   string
	repository string
	tag        string
	digest     digest.Digest
	push       bool // whether requests need the right to push
	hosts      []*host
}

// target parses a reference. Its error is about the reference or the configuration, so it is never an *Error.
func (c *Client) target(doing, ref string) (*target, error) {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return nil, fmt.Errorf("%s %q: %w", doing, ref, err)
	}
	t := &target{ref: ref, doing: doing, registry: reference.Domain(named), repository: reference.Path(named)}
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

// wanted returns the name of the reference's manifest: the digest if it has one, else the tag.
func (t *target) wanted() wanted {
	if t.digest != "" {
		return wanted{digest: t.digest}
	}
	return wanted{tag: t.tag}
}

// from returns the target with the host that served its manifest in front: that host has the rest too.
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

// request returns a request to the target's repository.
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

// withOp records in an error what was being done.
func (t *target) withOp(e *Error) *Error { return t.request("").withOp(e) }
