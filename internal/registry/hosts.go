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

	"github.com/containerd/containerd/v2/core/remotes/docker"
	"github.com/containerd/containerd/v2/core/remotes/docker/config"
	"github.com/containerd/errdefs"
	"github.com/containerd/log"
	"github.com/sirupsen/logrus"
)

// systemDirs are the usual directories of hosts.toml files and certificates, in containerd's order.
var systemDirs = []string{"/etc/containerd/certs.d", "/etc/docker/certs.d"}

const userAgent = "rtbuild"

// host is one of the servers of a registry: a mirror, or the registry itself.
type host struct {
	docker.RegistryHost
	registry string // the name in references
	mirror   bool   // false for the last host, whose answers count
	login    func(ctx context.Context, repository string) login

	mu          sync.Mutex
	authorizers map[string]*authorizer // by scope
}

// hostsOf returns the servers of a registry in the order to try them: mirrors, then the registry itself.
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
	logged := &loggedErrors{}
	options := config.HostOptions{
		HostDir:       func(string) (string, error) { return dir, nil },
		DefaultScheme: defaultScheme(registry),
		UpdateClient:  func(client *http.Client) error { return c.prepare(client, plain) },
	}
	found, err := config.ConfigureHosts(logged.context(), options)(registry)
	if err = errors.Join(err, logged.err); err != nil {
		return nil, fmt.Errorf("reading how to reach %s from %s: %w", registry, dir, err)
	}
	hosts := make([]*host, len(found))
	for i, h := range found {
		if h.Scheme != "http" && h.Scheme != "https" {
			return nil, fmt.Errorf("reading how to reach %s from %s: the address %s://%s begins neither with https:// nor http://", registry, dir, h.Scheme, h.Host)
		}
		plain.allow(h)
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

// hostDir returns the directory with a registry's hosts.toml or certificates, or "" if there is none. It is an error if the
// user's own directory cannot be read; for the system's it is a warning.
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
			c.warn(fmt.Sprintf("ignoring %s: %v", root, err))
		}
	}
	return "", nil
}

// defaultScheme returns the scheme for a registry without a hosts.toml. Registries on loopback usually have no certificate;
// transport.detect finds those that have one.
func defaultScheme(registry string) string {
	_, port, _ := net.SplitHostPort(registry)
	if docker.IsLocalhost(hostname(registry)) && port != "" && port != "443" {
		return "http"
	}
	return "https"
}

// prepare adds to the client that containerd made our certificate authorities and our rules on plain HTTP and redirects.
func (c *Client) prepare(client *http.Client, plain *plainRules) error {
	if _, ok := client.Transport.(*transport); ok {
		return nil // prepared before: this copy differs only in its headers
	}
	made, ok := client.Transport.(*http.Transport)
	if !ok {
		return fmt.Errorf("containerd made a transport of type %T", client.Transport)
	}
	made = made.Clone()
	made.MaxIdleConnsPerHost = made.MaxIdleConns // concurrent requests keep their connections
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

// addCA adds certificates to a copy of the pool: other hosts may share the pool itself.
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

// publicHeaders are the headers that any server may see. All others come from hosts.toml or the authorizer, and are for one
// host alone.
var publicHeaders = []string{"Accept", "Accept-Encoding", "Content-Type", "Range", "Referer", "User-Agent"}

// checkRedirect removes credentials from a request that is redirected to another host or port: storage behind presigned URLs
// refuses them, and other servers must not see them. A redirect back does not restore them, since the other server chose
// what to request with them.
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
		return fmt.Errorf("the token server redirects the password to another server, %s: not followed", req.URL.Host)
	}
	for name := range req.Header {
		if !slices.Contains(publicHeaders, name) {
			req.Header.Del(name)
		}
	}
	return nil
}

// isElsewhere reports whether an address is on another server, or on the same server but without TLS.
func isElsewhere(from, to *url.URL) bool {
	return to.Host != from.Host || from.Scheme == "https" && to.Scheme != "https"
}

// authorizerFor returns the authorizer for a scope. Each scope has its own, because containerd's adds its first scope to
// each later token request: a registry that denies the first would deny all.
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

// url returns the address of a path below a repository on this host.
func (h *host) url(repository string, parts ...string) string {
	elements := append([]string{"/", h.Path, repository}, parts...)
	address := h.Scheme + "://" + h.Host + path.Join(elements...)
	if parts[len(parts)-1] == "" {
		address += "/"
	}
	if h.Host != h.registry && !(h.registry == "docker.io" && h.Host == "registry-1.docker.io") {
		address += "?ns=" + h.registry // containerd's way to name the registry to a mirror of several
	}
	return address
}

// hostname returns a host without port and brackets.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	if len(host) > 2 && host[0] == '[' && host[len(host)-1] == ']' {
		return host[1 : len(host)-1]
	}
	return host
}

// loggedErrors collects errors that containerd only logs. It ignores a hosts.toml that it cannot read, and requests would go
// to the wrong server.
type loggedErrors struct{ err error }

func (l *loggedErrors) context() context.Context {
	logger := &logrus.Logger{Out: io.Discard, Formatter: &logrus.TextFormatter{}, Hooks: logrus.LevelHooks{}, Level: logrus.ErrorLevel}
	logger.AddHook(l)
	return log.WithLogger(context.Background(), logrus.NewEntry(logger))
}

// Levels implements logrus.Hook.
func (l *loggedErrors) Levels() []logrus.Level { return []logrus.Level{logrus.ErrorLevel} }

// Fire implements logrus.Hook.
func (l *loggedErrors) Fire(entry *logrus.Entry) error {
	cause, _ := entry.Data[logrus.ErrorKey].(error)
	if cause == nil {
		cause = errors.New(entry.Message)
	}
	l.err = errors.Join(l.err, cause)
	return nil
}
