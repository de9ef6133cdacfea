package registry

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/containerd/containerd/v2/core/remotes/docker"
	"github.com/containerd/containerd/v2/core/remotes/docker/config"
	"github.com/containerd/errdefs"
	"github.com/containerd/log"
	"github.com/sirupsen/logrus"
)

// systemDirs are where hosts.toml files and certificates usually are, in containerd's order.
var systemDirs = []string{"/etc/containerd/certs.d", "/etc/docker/certs.d"}

const userAgent = "rtbuild"

// host is one of the servers that answer for a registry: a mirror, or the registry itself.
type host struct {
	docker.RegistryHost
	registry string // the name in references
	mirror   bool   // another follows that knows better
	login    func(ctx context.Context, repository string) login

	mu          sync.Mutex
	authorizers map[string]*authorizer // by scope
}

// hostsOf gives the servers to ask for a registry, in order, the one that decides last.
func (c *Client) hostsOf(registry string) ([]*host, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known, ok := c.hosts[registry]; ok {
		return known, nil
	}
	found, err := c.findHosts(registry)
	if err != nil {
		return nil, err
	}
	c.hosts[registry] = found
	return found, nil
}

func (c *Client) findHosts(registry string) ([]*host, error) {
	dir, err := c.hostDir(registry)
	if err != nil {
		return nil, err
	}
	if err := checkHostFiles(dir); err != nil {
		return nil, fmt.Errorf("reading how to reach %s: %w", registry, err)
	}
	plain := &plainRules{allowed: map[string]bool{}}
	complaints := &complaints{}
	options := config.HostOptions{
		HostDir:       func(string) (string, error) { return dir, nil },
		DefaultScheme: defaultScheme(registry),
		UpdateClient:  func(client *http.Client) error { return c.prepare(client, plain) },
	}
	found, err := config.ConfigureHosts(complaints.context(), options)(registry)
	if err = errors.Join(err, complaints.err); err != nil {
		return nil, fmt.Errorf("reading how to reach %s from %s: %w", registry, dir, err)
	}
	hosts := make([]*host, len(found))
	for i, h := range found {
		if h.Scheme != "http" && h.Scheme != "https" {
			return nil, fmt.Errorf("reading how to reach %s from %s: the address %s://%s begins neither with https:// nor http://", registry, dir, h.Scheme, h.Host)
		}
		plain.learn(h)
		hosts[i] = &host{
			RegistryHost: h,
			registry:     registry,
			mirror:       i < len(found)-1,
			login:        func(ctx context.Context, repository string) login { return c.login(ctx, h.Host, repository) },
			authorizers:  map[string]*authorizer{},
		}
	}
	return hosts, nil
}

// hostDir gives the directory that tells about a registry; empty if there is none. The user's own directory must be
// readable; the system's are looked at as far as they can be.
func (c *Client) hostDir(registry string) (string, error) {
	if c.configDir != "" {
		dir, err := config.HostDirFromRoot(c.configDir)(registry)
		if err == nil {
			return filepath.Clean(dir), nil
		}
		if !errdefs.IsNotFound(err) {
			return "", fmt.Errorf("reading the registry configuration: %w", err)
		}
	}
	for _, root := range systemDirs {
		dir, err := config.HostDirFromRoot(root)(registry)
		if err == nil {
			return dir, nil
		}
		if errors.Is(err, fs.ErrPermission) {
			c.warn(fmt.Sprintf("%s is left aside: %v", root, err))
		}
	}
	return "", nil
}

// defaultScheme is how a registry is spoken to that no hosts.toml tells about. Loopback registries usually have no
// certificate; those that do are found out (see guess).
func defaultScheme(registry string) string {
	_, port, _ := net.SplitHostPort(registry)
	if docker.IsLocalhost(hostname(registry)) && port != "" && port != "443" {
		return "http"
	}
	return "https"
}

// prepare sets up the client that containerd made: our trust, and our rules on plain HTTP and redirects.
func (c *Client) prepare(client *http.Client, plain *plainRules) error {
	if _, ok := client.Transport.(*transport); ok {
		return nil // a copy that differs in headers only
	}
	made, ok := client.Transport.(*http.Transport)
	if !ok {
		return fmt.Errorf("containerd made a transport of type %T", client.Transport)
	}
	made = made.Clone()
	made.MaxIdleConnsPerHost = made.MaxIdleConns // what is asked side by side keeps its connections
	made.ResponseHeaderTimeout = 0               // the idle timeout covers this
	if c.ca != nil {
		if err := addCA(made.TLSClientConfig, c.ca); err != nil {
			return err
		}
	}
	client.Transport = &transport{next: made, plain: plain}
	client.CheckRedirect = checkRedirect
	return nil
}

// addCA adds certificates to a copy of the pool, which other hosts may share.
func addCA(conf *tls.Config, pem []byte) error {
	pool, err := x509.SystemCertPool()
	if conf.RootCAs != nil {
		pool, err = conf.RootCAs.Clone(), nil
	}
	if err != nil {
		return fmt.Errorf("reading the system's certificate authorities: %w", err)
	}
	pool.AppendCertsFromPEM(pem)
	conf.RootCAs = pool
	return nil
}

// publicHeaders are those of a request that any server may see. What else is in one was put there for its host alone: by hosts.toml, or
// by the authorizer.
var publicHeaders = []string{"Accept", "Accept-Encoding", "Content-Type", "Range", "Referer", "User-Agent"}

// checkRedirect keeps credentials from other hosts and ports: storage behind presigned URLs refuses them, others must
// not see them. They do not come back either: who sends us away and back chooses what is asked for in our name.
func checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) >= 10 {
		return errors.New("stopped after 10 redirects")
	}
	first := via[0].URL
	away := func(r *http.Request) bool { return isElsewhere(first, r.URL) }
	if !away(req) && !slices.ContainsFunc(via, away) {
		return nil
	}
	if req.Body != nil && strings.HasPrefix(req.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return fmt.Errorf("the token server sends us with our password to %s, which is not followed", req.URL.Host)
	}
	for name := range req.Header {
		if !slices.Contains(publicHeaders, name) {
			req.Header.Del(name)
		}
	}
	return nil
}

// isElsewhere reports whether an address is at another server, or at the same one without the TLS that it had.
func isElsewhere(from, to *url.URL) bool {
	return to.Host != from.Host || from.Scheme == "https" && to.Scheme != "https"
}

// authorizerFor gives the authorizer for a scope. They are not shared between repositories: containerd's adds the first
// scope that it met to each later one, and a registry that denies the one would deny both.
func (h *host) authorizerFor(scope string) *authorizer {
	h.mu.Lock()
	defer h.mu.Unlock()
	known, ok := h.authorizers[scope]
	if !ok {
		known = newAuthorizer(h, scope)
		h.authorizers[scope] = known
	}
	return known
}

// url is where a repository's part of the API is at this host.
func (h *host) url(repository string, parts ...string) string {
	elements := append([]string{"/", h.Path, repository}, parts...)
	address := h.Scheme + "://" + h.Host + path.Join(elements...)
	if parts[len(parts)-1] == "" {
		address += "/"
	}
	if h.Host != h.registry && !(h.registry == "docker.io" && h.Host == "registry-1.docker.io") {
		address += "?ns=" + h.registry // tells a mirror for several registries which is meant
	}
	return address
}

// hostname is a host without port and brackets.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	if len(host) > 2 && host[0] == '[' && host[len(host)-1] == ']' {
		return host[1 : len(host)-1]
	}
	return host
}

// complaints collects what containerd only logs: it drops a hosts.toml file that it cannot read, which would ask the
// wrong server.
type complaints struct{ err error }

func (c *complaints) context() context.Context {
	logger := &logrus.Logger{Out: io.Discard, Formatter: &logrus.TextFormatter{}, Hooks: logrus.LevelHooks{}, Level: logrus.ErrorLevel}
	logger.AddHook(c)
	return log.WithLogger(context.Background(), logrus.NewEntry(logger))
}

// Levels implements logrus.Hook.
func (c *complaints) Levels() []logrus.Level { return []logrus.Level{logrus.ErrorLevel} }

// Fire implements logrus.Hook.
func (c *complaints) Fire(entry *logrus.Entry) error {
	cause, _ := entry.Data[logrus.ErrorKey].(error)
	if cause == nil {
		cause = errors.New(entry.Message)
	}
	c.err = errors.Join(c.err, cause)
	return nil
}

// mirrorPatience is how long a mirror is waited for before the next host is asked: the registry itself must still get
// its turn.
func (c *Client) mirrorTimeout() time.Duration { return min(c.timeout/3, 10*time.Second) }
