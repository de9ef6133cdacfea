package testenv

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/rtbuild/rtbuild/internal/registry"
)

// Registry is distribution's registry on loopback, on a directory of its own.
type Registry struct {
	Host string // host:port

	sent, received atomic.Int64 // bodies, in bytes

	mu       sync.Mutex
	fault    Fault
	requests []string

	server *httptest.Server
}

// Fault may answer a request in the registry's place; it reports whether it has.
type Fault func(w http.ResponseWriter, r *http.Request) bool

// StartRegistry starts a registry on the directory root.
func StartRegistry(ctx context.Context, root string) (*Registry, error) {
	handler, err := registry.Handler(ctx, root)
	if err != nil {
		return nil, err
	}
	r := &Registry{}
	r.server = httptest.NewServer(r.around(handler))
	r.Host = strings.TrimPrefix(r.server.URL, "http://")
	return r, nil
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
