package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/containerd/containerd/v2/core/remotes/docker"
	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

const adviceDamaged = "the registry's copy is damaged, or a proxy changed it: push the image again"

// RawConfig returns the config of an image that Lookup has found, byte for byte. It has fields that ocispecs.Image lacks,
// such as the health check. It takes two requests. Its errors are those of Lookup.
func (c *Client) RawConfig(ctx context.Context, img *Image) ([]byte, error) {
	t, err := c.target("reading the config of", img.Reference)
	if err != nil {
		return nil, err
	}
	return withIdleTimeout(ctx, c, t, func(ctx context.Context) ([]byte, error) {
		leaf, err := c.manifest(ctx, t, wanted{digest: img.Manifest})
		if err != nil {
			return nil, err
		}
		if leaf.image == nil {
			return nil, t.withOp(broken(fmt.Errorf("%s is an index, not a platform's manifest", img.Manifest)))
		}
		return c.rawConfig(ctx, t.from(leaf.host), leaf.image.Config.Digest)
	})
}

func (c *Client) rawConfig(ctx context.Context, t *target, dgst digest.Digest) ([]byte, error) {
	r := t.request(http.MethodGet, "blobs", dgst.String())
	r.limit, r.needs = maxConfig, docker.HostCapabilityPull
	r.check = func(a *response) *Error {
		if err := verify(dgst, a.body); err != nil {
			return broken(err)
		}
		return nil
	}
	got, err := c.do(ctx, t.hosts, r)
	if err != nil {
		return nil, incomplete(err, "the manifest names the config "+dgst.String()+", which the registry does not have")
	}
	return got.body, nil
}

// Blob opens a blob that a manifest names, such as a layer of an image that Lookup has found. The reference says in which
// repository it is. The reader returns the bytes as the registry holds them, compressed or not. It buffers nothing. It
// resumes a transfer that breaks off.
//
// Callers must read to the end: only then are size and digest checked. Read returns io.EOF if both are those of desc, and
// an *Error of kind ErrBroken otherwise. A missing blob is ErrBroken too, since its image exists.
func (c *Client) Blob(ctx context.Context, ref string, desc ocispecs.Descriptor) (io.ReadCloser, error) {
	t, err := c.target("reading "+desc.Digest.String()+" of", ref)
	if err != nil {
		return nil, err
	}
	if err := desc.Digest.Validate(); err != nil {
		return nil, t.withOp(broken(fmt.Errorf("the manifest names %q: %w", desc.Digest, err)))
	}
	r := t.request(http.MethodGet, "blobs", desc.Digest.String())
	r.needs = docker.HostCapabilityPull
	b := &blob{request: r, want: desc, sum: desc.Digest.Algorithm().Digester()}
	delays := c.newBackoff()
	b.resume = func() error {
		if err := c.pause(ctx, delays.NextBackOff()); err != nil {
			return err
		}
		return b.open(ctx, c, t.hosts)
	}
	if err := b.open(ctx, c, t.hosts); err != nil {
		return nil, incomplete(err, "the manifest names the blob "+desc.Digest.String()+", which the registry does not have")
	}
	return b, nil
}

// blob reads a blob and checks its size and digest.
//
// containerd's core/remotes/docker has a fetcher that resumes, too. It does not serve diff, which reads gigabytes from registries that
// users name. It waits for a silent server without a limit, resumes only after io.ErrUnexpectedEOF and not after a reset, and checks no
// digest. Its errors do not tell damaged content, which has to be pushed again, from a broken connection.
type blob struct {
	request request
	want    ocispecs.Descriptor
	sum     digest.Digester
	got     int64 // bytes so far

	body          *transfer
	interruptions int
	resume        func() error // replaces a broken transfer by a new one
	err           error        // what Read returns from now on; nil before the end
}

// open starts a transfer of the bytes that are still missing.
func (b *blob) open(ctx context.Context, c *Client, hosts []*host) error {
	body, err := c.transfer(ctx, hosts, b.request, b.got)
	if err != nil {
		return err
	}
	if size := body.size; size >= 0 && b.got+size != b.want.Size {
		_ = body.Close()
		return b.request.withOp(b.wrongSize(b.got + size))
	}
	b.body = body
	return nil
}

// Read implements io.Reader.
func (b *blob) Read(p []byte) (int, error) {
	for b.err == nil {
		n, err := b.body.Read(p)
		b.sum.Hash().Write(p[:n])
		b.got += int64(n)
		if b.err = b.advance(err); n > 0 {
			return n, b.err
		}
	}
	return 0, b.err
}

// advance decides what follows a read that returned err: nil to go on, or io.EOF, an *Error or the context's error. It
// resumes a broken transfer.
func (b *blob) advance(err error) error {
	var fault *Error
	switch {
	case b.got == b.want.Size:
		if got := b.sum.Digest(); got != b.want.Digest {
			return b.request.withOp(damaged(fmt.Errorf("the content's digest is %s, not %s", got, b.want.Digest)))
		}
		return io.EOF
	case b.got > b.want.Size, errors.Is(err, io.EOF):
		return b.request.withOp(b.wrongSize(b.got))
	case err == nil:
		return nil
	case !errors.As(err, &fault):
		return err // the context's error
	}
	_ = b.body.Close()
	if b.interruptions++; b.interruptions < maxAttempts && !errors.Is(fault, errNoResponse) {
		return b.resume()
	}
	fault.Cause = fmt.Errorf("the transfer was cut off after %d of %d bytes: %w", b.got, b.want.Size, fault.Cause)
	return b.request.withOp(fault)
}

func (b *blob) wrongSize(size int64) *Error {
	what := fmt.Sprintf("it is %d bytes long", size)
	if size > b.want.Size {
		what = "it is longer"
	}
	return damaged(fmt.Errorf("%s, the manifest says %d", what, b.want.Size))
}

// damaged returns the error for content that differs from what the manifest names.
func damaged(cause error) *Error {
	return &Error{Err: ErrBroken, Cause: cause, Advice: adviceDamaged}
}

// Close implements io.Closer. It aborts a running transfer.
func (b *blob) Close() error {
	if b.err == nil {
		b.err = errors.New("the blob was closed")
	}
	return b.body.Close()
}

// transfer requests a blob from an offset on.
func (c *Client) transfer(ctx context.Context, hosts []*host, r request, offset int64) (*transfer, error) {
	atMirror := func(h *host) (*transfer, error) { return c.start(ctx, h, r, offset, c.mirrorTimeout()) }
	return atHosts(hosts, r, atMirror, func(h *host) (*transfer, error) {
		until := time.Now().Add(c.timeout)
		left := func() time.Duration { return time.Until(until) }
		return withRetries(ctx, c, left, func() (*transfer, error) { return c.start(ctx, h, r, offset, left()) })
	})
}

// start starts a transfer from one host. The response must begin within wait; then the idle timeout applies to each read.
func (c *Client) start(ctx context.Context, h *host, r request, offset int64, wait time.Duration) (*transfer, error) {
	limited, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(wait, func() { cancel(errNoResponse) })
	r.header = http.Header{"Accept-Encoding": {"identity"}} // the digest is that of the bytes as stored
	if offset > 0 {
		r.header.Set("Range", "bytes="+strconv.FormatInt(offset, 10)+"-")
	}
	resp, err := c.accepted(limited, h, r)
	timer.Stop()
	if err != nil {
		defer cancel(nil)
		if ctx.Err() == nil && errors.Is(context.Cause(limited), errNoResponse) {
			return nil, noResponse(wait.Round(time.Millisecond))
		}
		return nil, err
	}
	t := &transfer{body: resp.Body, size: -1, timer: timer, wait: c.timeout, stop: func() { cancel(nil) }}
	t.explain = func(err error) error {
		if ctx.Err() == nil && errors.Is(context.Cause(limited), errNoResponse) {
			return noResponse(c.timeout)
		}
		return c.failure(ctx, h, err)
	}
	if offset == 0 || resp.StatusCode == http.StatusPartialContent {
		t.size = resp.ContentLength
		return t, nil
	}
	// The server ignored the range and starts from the beginning.
	if _, err := io.CopyN(io.Discard, t, offset); err != nil {
		_ = t.Close()
		if errors.Is(err, io.EOF) {
			err = damaged(fmt.Errorf("it is shorter than the %d bytes that were read before", offset))
		}
		return nil, err
	}
	return t, nil
}

// transfer is the body of one response.
type transfer struct {
	body io.ReadCloser
	size int64 // Content-Length; -1 if the host sent none

	timer   *time.Timer // ends the request when a read takes longer than wait
	wait    time.Duration
	stop    func()
	explain func(error) error // turns an error of the body into an *Error
}

// Read implements io.Reader. Its error is io.EOF, an *Error or the context's error.
func (t *transfer) Read(p []byte) (int, error) {
	t.timer.Reset(t.wait)
	n, err := t.body.Read(p)
	t.timer.Stop()
	if err != nil && !errors.Is(err, io.EOF) {
		err = t.explain(err)
	}
	return n, err
}

// Close implements io.Closer.
func (t *transfer) Close() error {
	t.timer.Stop()
	defer t.stop()
	return t.body.Close()
}
