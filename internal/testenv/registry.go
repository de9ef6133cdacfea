package testenv

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/sirupsen/logrus"

	"github.com/rtbuild/rtbuild/internal/registry"
)

// Registry is distribution's registry on loopback, with its own directory.
type Registry struct {
	Host string // host:port

	User, Password string // for writing to a registry that this package did not start; may be empty

	sent, received atomic.Int64 // bodies, in bytes

	mu       sync.Mutex
	fault    Fault
	requests []string

	server *httptest.Server
	client *http.Client // for this package's own requests; nil for HTTP
	ca     string       // file of the authority that the registry's clients must trust; empty for HTTP
	guard  *guard       // nil if no credentials are required
}

// Fault may respond to a request instead of the registry. It reports whether it has responded.
type Fault func(w http.ResponseWriter, r *http.Request) bool

// RegistryOption configures a registry.
type RegistryOption func(*Registry) error

// WithTLS makes the registry serve HTTPS, with a certificate of this authority.
func WithTLS(a *Authority) RegistryOption {
	return func(r *Registry) error {
		certificate, err := a.Certificate(x509.ExtKeyUsageServerAuth)
		if err != nil {
			return err
		}
		r.ca = a.File
		r.server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
		return nil
	}
}

// WithPassword makes the registry require a user and a password (HTTP's basic authentication).
func WithPassword(user, password string) RegistryOption {
	return func(r *Registry) error {
		r.guard = newGuard(user, password, false)
		return nil
	}
}

// WithToken makes the registry require tokens, which are valid for certain repositories and actions. It issues them itself for the
// user and password. The builder's client fetches tokens, not the builder: with TLS, buildx needs SSL_CERT_FILE.
func WithToken(user, password string) RegistryOption {
	return func(r *Registry) error {
		r.guard = newGuard(user, password, true)
		return nil
	}
}

// StartRegistry starts a registry with the directory root. Without options, it serves HTTP and requires no credentials.
func StartRegistry(ctx context.Context, root string, options ...RegistryOption) (*Registry, error) {
	logrus.SetLevel(logrus.PanicLevel) // distribution logs every request
	handler, err := registry.Handler(ctx, root)
	if err != nil {
		return nil, err
	}
	r := &Registry{server: httptest.NewUnstartedServer(nil)}
	for _, option := range options {
		if err := option(r); err != nil {
			return nil, err
		}
	}
	if r.guard != nil {
		handler = r.guard.around(handler)
	}
	r.server.Config.Handler = r.around(handler)
	if r.ca == "" {
		r.server.Start()
	} else {
		r.server.StartTLS()
		r.client = r.server.Client()
	}
	_, r.Host, _ = strings.Cut(r.server.URL, "://")
	return r, nil
}

// BuilderConfig returns the BuilderOptions.Config with which a builder can use the registry: BuildKit uses HTTP for loopback by
// default, and does not trust the authority.
func (r *Registry) BuilderConfig() string {
	if r.ca == "" {
		return ""
	}
	return fmt.Sprintf("[registry.%q]\n  http = false\n  ca = [%q]\n", r.Host, r.ca)
}

// Login adds credentials for the registry to config.json in dir, for programs that use dir as DOCKER_CONFIG.
func (r *Registry) Login(dir string) error {
	if r.guard == nil {
		return nil
	}
	file := filepath.Join(dir, "config.json")
	config := map[string]any{}
	data, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(data, &config)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("reading Docker's config file: %w", err)
	}
	auths, _ := config["auths"].(map[string]any)
	if auths == nil {
		auths = map[string]any{}
	}
	auths[r.Host] = map[string]string{"auth": r.guard.encoded()}
	config["auths"] = auths
	if data, err = json.Marshal(config); err != nil {
		return err
	}
	return os.WriteFile(file, data, 0o600)
}

// url returns the URL of a path of the registry's API.
func (r *Registry) url(path string) string {
	if r.client == nil {
		return "http://" + r.Host + path
	}
	return "https://" + r.Host + path
}

// do sends a request of this package, with full access.
func (r *Registry) do(req *http.Request) (*http.Response, error) {
	if r.guard != nil {
		req.Header.Set("Authorization", "Bearer "+r.guard.master)
	}
	if r.User != "" {
		req.SetBasicAuth(r.User, r.Password)
	}
	if r.client == nil {
		return http.DefaultClient.Do(req)
	}
	return r.client.Do(req)
}

// around returns a handler that counts traffic, and lets a fault respond first.
func (r *Registry) around(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		fault := r.fault
		r.requests = append(r.requests, req.Method+" "+req.URL.Path)
		r.mu.Unlock()
		req.Body = &countedBody{req.Body, &r.received}
		out := &countedWriter{w, &r.sent}
		if fault == nil || !fault(out, req) {
			next.ServeHTTP(out, req)
		}
	})
}

// SetFault injects a fault into all requests, until it is set to nil.
func (r *Registry) SetFault(f Fault) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fault = f
}

// Traffic returns the bytes of bodies that clients pulled and pushed since the last call, and their requests.
func (r *Registry) Traffic() (pulled, pushed int64, requests []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	requests, r.requests = r.requests, nil
	return r.sent.Swap(0), r.received.Swap(0), requests
}

// Close stops the registry. Its directory stays.
func (r *Registry) Close() {
	r.server.CloseClientConnections()
	r.server.Close()
}

// CloseConnections breaks every open connection, as a crash of the registry does.
func (r *Registry) CloseConnections() { r.server.CloseClientConnections() }

type countedBody struct {
	io.ReadCloser
	n *atomic.Int64
}

func (c *countedBody) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.n.Add(int64(n))
	return n, err
}

type countedWriter struct {
	http.ResponseWriter
	n *atomic.Int64
}

func (c *countedWriter) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p)
	c.n.Add(int64(n))
	return n, err
}

// Unwrap supports http.ResponseController.
func (c *countedWriter) Unwrap() http.ResponseWriter { return c.ResponseWriter }
