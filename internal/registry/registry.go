// Package registry is a client for container registries. Client.Lookup finds out whether an image exists, for which platforms
// and with which labels, without pulling it. Client.CheckPush checks the right to push. Client.MergeIndex adds a platform to a
// multi-platform tag and keeps the others. Handler serves the registry of the private pair.
//
// An error is one of several kinds: absent, denied, throttled, unreachable, broken and a few more. Only a definite "absent"
// may start a build.
//
// Hosts, mirrors, certificates and authentication are containerd's: rtbuild, containerd and BuildKit read the same hosts.toml
// files and the same Docker config file. The requests are our own: containerd's resolver makes more of them than necessary,
// and confuses several statuses.
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
	ConfigDir string        // hosts.toml directory that is read first (--registry-config)
	CAFile    string        // PEM bundle that is trusted in addition to the system's
	Timeout   time.Duration // how long to wait for a server that sends nothing, retries included; 30 s if zero
	Warn      func(string)  // receives warnings; nil drops them

	// Login returns the user and password for a host. If the password is empty, the Docker config file decides.
	Login func(host string) (user, password string)
}

// Client sends requests to registries. It is safe for concurrent use: concurrent requests share connections and tokens.
type Client struct {
	configDir     string
	ca            []byte // PEM, trusted in addition to the system's
	timeout       time.Duration
	logins        *trust.Logins
	loginOverride func(host string) (user, password string)
	warn          func(string)

	// retryBase is the first interval of the backoff, and pause waits for one. Tests replace both.
	retryBase time.Duration
	pause     func(context.Context, time.Duration) error

	mu    sync.Mutex
	hosts map[string][]*host // by the registry's name in references
}

// New returns a Client. It makes no request. It reads the files that the options and the environment name, and returns an
// error if one of them cannot be read or is malformed.
func New(opt Options) (*Client, error) {
	c := &Client{
		configDir:     opt.ConfigDir,
		timeout:       cmp.Or(opt.Timeout, defaultTimeout),
		warn:          opt.Warn,
		loginOverride: opt.Login,
		retryBase:     defaultRetryBase,
		pause:         pause,
		hosts:         map[string][]*host{},
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

// Image describes an image for one platform, which was not pulled.
type Image struct {
	Reference   string         // as given to Lookup
	Digest      digest.Digest  // of the index or manifest that the tag points to
	Manifest    digest.Digest  // the platform's manifest
	Config      ocispecs.Image // the platform's config, labels included
	Layers      []ocispecs.Descriptor
	Annotations map[string]string   // the platform manifest's
	Platforms   []ocispecs.Platform // all platforms of the tag
}
