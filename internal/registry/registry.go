// Package registry answers whether an image exists, for which platforms and with which labels, without pulling it, and
// whether we may push. It tells absent, denied, throttled, unreachable and broken apart by type: only "absent" may ever
// lead to a build.
package registry

import (
	"context"
	"time"

	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// Options configures a Client. The zero value uses the Docker config file, /etc/containerd/certs.d and
// /etc/docker/certs.d.
type Options struct {
	ConfigDir string        // hosts.toml directory that is asked first (--registry-config)
	CAFile    string        // PEM bundle that is trusted beside the system's
	Timeout   time.Duration // how long a silent server is waited for; 30 s if zero
	Warn      func(string)  // where warnings go; nil drops them
}

// Client asks registries. It is safe for concurrent use.
type Client struct{}

// New returns a Client. No request is made.
func New(opt Options) (*Client, error) { panic("not yet") }

// Image is what is known of an image that was not pulled.
type Image struct {
	Reference   string         // as asked: repository:tag
	Digest      digest.Digest  // what the tag points to: an index or a manifest
	Manifest    digest.Digest  // the platform's manifest
	Config      ocispecs.Image // the platform's config, labels included
	Layers      []ocispecs.Descriptor
	Annotations map[string]string   // the platform manifest's
	Platforms   []ocispecs.Platform // all that the tag holds, attestations aside
}

// Lookup gives the image for one platform. An *Error says why there is none.
func (c *Client) Lookup(ctx context.Context, ref string, platform ocispecs.Platform) (*Image, error) {
	panic("not yet")
}

// Resolve gives the digest a reference points to, by one HEAD request.
func (c *Client) Resolve(ctx context.Context, ref string) (digest.Digest, error) { panic("not yet") }

// CheckPush asks for the right to push to a repository: an upload is started and cancelled.
func (c *Client) CheckPush(ctx context.Context, repository string) error { panic("not yet") }
