package registry

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"

	"github.com/containerd/containerd/v2/core/remotes/docker"
)

// errPlain is the error of a request that would be sent without TLS to a host that does not allow it.
var errPlain = errors.New("plain HTTP is used for loopback and by hosts.toml only")

// plainRules decides which hosts may be reached without TLS.
type plainRules struct {
	mu      sync.Mutex
	allowed map[string]bool   // by hosts.toml
	scheme  map[string]string // of loopback hosts, as transport.detect found
}

// allow records a host for which hosts.toml says http. If it has certificates too, containerd wraps the transport: it tries
// TLS first and falls back.
func (p *plainRules) allow(h docker.RegistryHost) {
	_, ours := h.Client.Transport.(*transport)
	p.allowed[h.Host] = p.allowed[h.Host] || h.Scheme == "http" || !ours
}

func (p *plainRules) schemeOf(host string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.scheme[host]
}

func (p *plainRules) remember(host, scheme string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.scheme == nil {
		p.scheme = map[string]string{}
	}
	p.scheme[host] = scheme
}

// transport refuses plain HTTP where it is not allowed, also for token servers and redirects. It detects whether a registry on
// loopback speaks TLS.
type transport struct {
	next  http.RoundTripper
	plain *plainRules
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme != "http" {
		return t.next.RoundTrip(req)
	}
	host := req.URL.Host
	loopback := docker.IsLocalhost(hostname(host))
	if !loopback && !t.plain.allowed[host] {
		return nil, fmt.Errorf("%w, not for %s", errPlain, host)
	}
	if !loopback || req.Body != nil {
		return t.next.RoundTrip(t.withScheme(req, t.plain.schemeOf(host)))
	}
	return t.detect(req)
}

// withScheme returns the request with another scheme. An empty scheme changes nothing.
func (t *transport) withScheme(req *http.Request, scheme string) *http.Request {
	if scheme == "" || scheme == req.URL.Scheme {
		return req
	}
	changed := req.Clone(req.Context())
	changed.URL.Scheme = scheme
	return changed
}

// detect tries plain HTTP with a loopback host. If the response shows that the host expects TLS, it uses TLS from then on.
func (t *transport) detect(req *http.Request) (*http.Response, error) {
	host := req.URL.Host
	if scheme := t.plain.schemeOf(host); scheme != "" {
		return t.next.RoundTrip(t.withScheme(req, scheme))
	}
	resp, err := t.next.RoundTrip(req)
	if req.Context().Err() != nil || !wantsTLS(resp, err) {
		if err == nil {
			t.plain.remember(host, "http")
		}
		return resp, err
	}
	secure, secureErr := t.next.RoundTrip(t.withScheme(req, "https"))
	if secureErr != nil && !isCertificate(secureErr) {
		return resp, err
	}
	t.plain.remember(host, "https")
	if resp != nil {
		_ = resp.Body.Close()
	}
	return secure, secureErr
}

// wantsTLS reports whether the response to a plain request looks like that of a TLS server. Those of Go, nginx and Apache send
// status 400 with a message, and without one to a HEAD request. Others send a TLS alert or close the connection.
func wantsTLS(resp *http.Response, err error) bool {
	if err != nil {
		var dial *net.OpError
		if errors.As(err, &dial) && dial.Op == "dial" {
			return false
		}
		return errors.Is(err, io.EOF) || isReset(err) || strings.Contains(err.Error(), `malformed HTTP response "\x15\x03`)
	}
	if resp.StatusCode != http.StatusBadRequest {
		return false
	}
	if resp.Request != nil && resp.Request.Method == http.MethodHead {
		return true
	}
	start, _ := io.ReadAll(io.LimitReader(resp.Body, 1024))
	rest := resp.Body
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(start), rest), rest}
	return bytes.Contains(start, []byte("HTTPS")) || bytes.Contains(start, []byte("SSL-enabled"))
}

// isCertificate reports whether the server speaks TLS, but its certificate was not accepted.
func isCertificate(err error) bool {
	var (
		verification *tls.CertificateVerificationError
		authority    x509.UnknownAuthorityError
		name         x509.HostnameError
		invalid      x509.CertificateInvalidError
	)
	return errors.As(err, &verification) || errors.As(err, &authority) || errors.As(err, &name) || errors.As(err, &invalid)
}
