package registry

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/trust"
)

// TestIdleTimeout has servers that send no response, or only a part of it.
func TestIdleTimeout(t *testing.T) {
	const timeout = 200 * time.Millisecond
	hang := func(_ http.ResponseWriter, r *http.Request) bool {
		<-r.Context().Done()
		return true
	}
	tests := []struct {
		name   string
		before func(w http.ResponseWriter, r *http.Request) bool
	}{
		{"no header", hang},
		{"half a body", func(w http.ResponseWriter, r *http.Request) bool {
			_, _ = w.Write([]byte("{"))
			w.(http.Flusher).Flush()
			return hang(w, r)
		}},
		{"no config", func(w http.ResponseWriter, r *http.Request) bool {
			return strings.Contains(r.URL.Path, "/blobs/") && hang(w, r)
		}},
		{"a body that drips", func(w http.ResponseWriter, r *http.Request) bool {
			for tick := time.NewTicker(timeout / 10); ; {
				select {
				case <-r.Context().Done():
					return true
				case <-tick.C:
					_, _ = w.Write([]byte(" "))
					w.(http.Flusher).Flush()
				}
			}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.before = tt.before
			f.Start()
			f.image(amd64, "it")
			c := clientWithout(t, timeout)
			start := time.Now()
			_, err := c.Lookup(context.Background(), f.ref("it"), amd64)
			wantFault(t, err, ErrUnreachable)
			wantFirstLine(t, err, "no complete response within 200ms; check")
			if took := time.Since(start); took > 10*timeout { // twice is promised; the rest is for busy machines
				t.Errorf("took %v", took)
			}
		})
	}
}

// clientWithout returns a client without credentials, for parallel tests: they cannot set the environment.
func clientWithout(t *testing.T, timeout time.Duration) *Client {
	t.Helper()
	c, err := New(Options{Timeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	c.logins = &trust.Logins{}
	c.pause = (&waits{}).pause
	return c
}

// TestSlowBody has a body that takes longer than the timeout, but without long pauses.
func TestSlowBody(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.image(amd64, "it")
	body := f.serves["manifests/it"].body
	f.before = func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/it") {
			return false
		}
		w.Header().Set("Content-Type", ocispecs.MediaTypeImageManifest)
		tick := time.NewTicker(600 * time.Millisecond)
		for part := range slices.Chunk(body, len(body)/4) {
			<-tick.C
			_, _ = w.Write(part)
			w.(http.Flusher).Flush()
		}
		return true
	}
	f.Start()
	c := clientWithout(t, 2*time.Second)
	if _, err := c.Lookup(context.Background(), f.ref("it"), amd64); err != nil {
		t.Error(err)
	}
}

func TestContextEnds(t *testing.T) {
	f := newFake(t)
	reached := make(chan struct{}, 1)
	f.before = func(_ http.ResponseWriter, r *http.Request) bool {
		reached <- struct{}{}
		<-r.Context().Done()
		return true
	}
	f.Start()
	c, _ := newClient(t, Options{})
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-reached
		cancel()
	}()
	_, err := c.Lookup(ctx, f.ref("it"), amd64)
	var fault *Error
	if !errors.Is(err, context.Canceled) || errors.As(err, &fault) {
		t.Errorf("cancelled: %v", err)
	}
	ctx, cancel = context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if _, err = c.Resolve(ctx, f.ref("it")); !errors.Is(err, context.DeadlineExceeded) || errors.As(err, &fault) {
		t.Errorf("timed out: %v", err)
	}
}

// TestContextEndsWaiting has a context that ends between two attempts.
func TestContextEndsWaiting(t *testing.T) {
	f := newFake(t)
	f.before = answers(429, "Retry-After", "10")
	f.Start()
	c, _ := newClient(t, Options{})
	ctx, cancel := context.WithCancel(context.Background())
	c.pause = func(ctx context.Context, d time.Duration) error {
		cancel()
		return pause(ctx, d)
	}
	if err := c.CheckPush(ctx, f.host()+"/"+repo); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestUnreachable(t *testing.T) {
	gone := httptest.NewServer(nil)
	gone.Close()
	c, _ := newClient(t, Options{})
	tests := []struct{ name, ref, text string }{
		{"refused", gone.Listener.Addr().String() + "/a:b", "connection refused; check that the registry runs"},
		{"no such name", "registry.invalid/a:b", "lookup registry.invalid"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := c.Lookup(context.Background(), tt.ref, amd64)
			wantFault(t, err, ErrUnreachable)
			wantFirstLine(t, err, "looking up "+tt.ref, tt.text)
		})
	}
}
