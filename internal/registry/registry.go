// Package registry answers whether an image exists, for which platforms and with which labels, without pulling it, and
// whether we may push; and it lets a tag show an image beside what the tag holds for other platforms. It tells absent, denied, throttled, unreachable and broken apart by type: only "absent" may ever
// lead to a build. It also holds the registry that comes with the private builder (Handler).
//
// Hosts, mirrors, certificates and authentication are containerd's: the same hosts.toml files and Docker config file
// steer containerd, BuildKit and us. The requests are our own, since containerd's resolver asks more often than needed
// and takes several statuses for one another.
package registry

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/trust"
)

const (
	defaultTimeout   = 30 * time.Second
	defaultRetryBase = 500 * time.Millisecond
)

// Options configures a Client. The zero value uses the Docker config file, /etc/containerd/certs.d and
// /etc/docker/certs.d.
type Options struct {
	ConfigDir string        // hosts.toml directory that is asked first (--registry-config)
	CAFile    string        // PEM bundle that is trusted beside the system's
	Timeout   time.Duration // how long a silent server is waited for, retries included; 30 s if zero
	Warn      func(string)  // where warnings go; nil drops them

	// Login gives the user and password for a host before the Docker config file is asked; empty leaves it to that.
	Login func(host string) (user, password string)
}

// Client asks registries. It is safe for concurrent use: what is asked side by side shares connections and tokens.
type Client struct {
	configDir string
	ca        []byte // PEM, trusted beside the system's roots
	timeout   time.Duration
	logins    *trust.Logins
	given     func(host string) (user, password string)
	warn      func(string)

	// retryBase and pause are the backoff's first interval and the way it waits: tests shorten them.
	retryBase time.Duration
	pause     func(context.Context, time.Duration) error

	mu    sync.Mutex
	hosts map[string][]*host // by the registry's name in references
}

// New returns a Client. No request is made; the files that the options and the environment name are read, and an error
// says which of them is unreadable or malformed.
func New(opt Options) (*Client, error) {
	c := &Client{
		configDir: opt.ConfigDir,
		timeout:   cmp.Or(opt.Timeout, defaultTimeout),
		warn:      opt.Warn,
		given:     opt.Login,
		retryBase: defaultRetryBase,
		pause:     pause,
		hosts:     map[string][]*host{},
	}
	if c.warn == nil {
		c.warn = func(string) {}
	}
	if c.configDir != "" {
		if _, err := os.ReadDir(c.configDir); err != nil {
			return nil, fmt.Errorf("reading the registry configuration: %w", err)
		}
	}
	var err error
	if c.ca, err = trust.ReadCA(opt.CAFile); err != nil {
		return nil, fmt.Errorf("reading the certificate authorities: %w", err)
	}
	if c.logins, err = trust.ReadLogins(c.warn); err != nil {
		return nil, err
	}
	return c, nil
}

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
