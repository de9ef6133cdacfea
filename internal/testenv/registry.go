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

// Registry is distribution's registry on loopback, on a directory of its own.
type Registry struct {
	Host string // host:port

	User, Password string // with which this package writes to a registry that it has not started; empty for none

	sent, received atomic.Int64 // bodies, in bytes

	mu       sync.Mutex
	fault    Fault
	requests []string

	server *httptest.Server
	client *http.Client // for what this package asks itself; nil for HTTP
	ca     string       // file of the authority that the registry's clients must trust; empty for HTTP
	guard  *guard       // nil if everybody may do everything
}

// Fault may answer a request in the registry's place; it reports whether it has.
type Fault func(w http.ResponseWriter, r *http.Request) bool

// RegistryOption is what a test may want of its registry.
type RegistryOption func(*Registry) error

// WithTLS makes the registry speak HTTPS, with a certificate of this authority.
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

// WithPassword makes the registry ask for a user and a password (HTTP's basic authentication).
func WithPassword(user, password string) RegistryOption {
	return func(r *Registry) error {
		r.guard = newGuard(user, password, false)
		return nil
	}
}

// WithToken makes the registry ask for a token that is good for certain repositories and actions. It gives them itself, for
// the user and password. Tokens are fetched by the builder's client, not by the builder: with TLS, buildx needs SSL_CERT_FILE.
func WithToken(user, password string) RegistryOption {
	return func(r *Registry) error {
		r.guard = newGuard(user, password, true)
		return nil
	}
}

// StartRegistry starts a registry on the directory root; with no option it speaks HTTP and lets everybody in.
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

// BuilderConfig is what BuilderOptions.Config must say to let a builder use the registry: BuildKit takes loopback for HTTP, and
// does not know the authority.
func (r *Registry) BuilderConfig() string {
	if r.ca == "" {
		return ""
	}
	return fmt.Sprintf("[registry.%q]\n  http = false\n  ca = [%q]\n", r.Host, r.ca)
}

// Login lets the programs that use dir as DOCKER_CONFIG into the registry; what else config.json says stays.
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

// url is where a path of the registry's API is.
func (r *Registry) url(path string) string {
	if r.client == nil {
		return "http://" + r.Host + path
	}
	return "https://" + r.Host + path
}

// do sends a request of this package, which may do everything.
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

// around counts what goes through, and lets a fault answer first.
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

// SetFault makes the registry misbehave until it is set to nil.
func (r *Registry) SetFault(f Fault) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fault = f
}

// Traffic is what clients have pulled and pushed since the last call, in bytes of bodies, and their requests.
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

// CloseConnections breaks every open connection, as a registry that dies does.
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

// Unwrap lets http.ResponseController reach the connection.
func (c *countedWriter) Unwrap() http.ResponseWriter { return c.ResponseWriter }
