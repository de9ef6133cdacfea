package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/containerd/containerd/v2/core/remotes/docker"
	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

const adviceDamaged = "what the registry holds, or a proxy in front of it, is damaged: push the image again"

// RawConfig gives the config of an image that Lookup has found, as the registry holds it: with the fields that
// ocispecs.Image does not know, such as the health check. It takes two requests.
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
	got, err := c.ask(ctx, t.hosts, r)
	if err != nil {
		return nil, incomplete(err, "the manifest names the config "+dgst.String()+", which the registry does not have")
	}
	return got.body, nil
}

// Blob opens a blob that a manifest names, such as a layer of an image that Lookup has found; the reference says in which
// repository. The reader gives the blob's bytes as the registry holds them, compressed or not, and keeps none of them. A
// transfer that breaks off is taken up where it broke.
//
// Only the end tells whether the bytes were right: Read gives io.EOF if size and digest are those that desc has, else an
// *Error of kind ErrBroken. A blob that the registry lacks is ErrBroken too, since its image is there.
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
	waits := c.waits()
	b.resume = func() error {
		if err := c.pause(ctx, waits.NextBackOff()); err != nil {
			return err
		}
		return b.open(ctx, c, t.hosts)
	}
	if err := b.open(ctx, c, t.hosts); err != nil {
		return nil, incomplete(err, "the manifest names the blob "+desc.Digest.String()+", which the registry does not have")
	}
	return b, nil
}

// blob is a blob that is being read.
type blob struct {
	request request
	want    ocispecs.Descriptor
	sum     digest.Digester
	got     int64 // bytes so far

	body   *transfer
	breaks int
	resume func() error // puts another transfer in the place of the one that broke
	err    error        // how it ended
}

// open starts a transfer of what is still to come.
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
		if b.err = b.after(err); n > 0 {
			return n, b.err
		}
	}
	return 0, b.err
}

// after says how a read leaves the blob: nil if it goes on, else io.EOF, an *Error or the context's end.
func (b *blob) after(err error) error {
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
		return err // the context's end
	}
	_ = b.body.Close()
	if b.breaks++; b.breaks < maxAttempts && !errors.Is(fault, errSilent) {
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

// damaged is the error of content that is not what the manifest names.
func damaged(cause error) *Error {
	return &Error{Err: ErrBroken, Cause: cause, Advice: adviceDamaged}
}

// Close implements io.Closer. It ends a transfer that is under way.
func (b *blob) Close() error {
	if b.err == nil {
		b.err = errors.New("the blob was closed")
	}
	return b.body.Close()
}

// transfer asks the hosts in order for a blob from an offset on. As in ask, mirrors are asked once each, and the last host
// decides, after retries.
func (c *Client) transfer(ctx context.Context, hosts []*host, r request, offset int64) (*transfer, error) {
	able := slices.DeleteFunc(slices.Clone(hosts), func(h *host) bool { return !h.Capabilities.Has(r.needs) })
	var tried []string
	for _, h := range able {
		begin := c.beginWithRetries
		if len(tried) < len(able)-1 {
			begin = c.beginAtMirror
		}
		got, err := begin(ctx, h, r, offset)
		var fault *Error
		if err == nil || !errors.As(err, &fault) {
			return got, err
		}
		if len(tried) == len(able)-1 {
			fault.tried = tried
			return nil, r.withOp(fault)
		}
		tried = append(tried, "mirror "+h.Host+": "+fault.short())
	}
	return nil, r.withOp(&Error{
		Err:    ErrUnreachable,
		Cause:  errors.New("hosts.toml names no host that may be asked this"),
		Advice: "check the capabilities in hosts.toml",
	})
}

func (c *Client) beginAtMirror(ctx context.Context, h *host, r request, offset int64) (*transfer, error) {
	return c.begin(ctx, h, r, offset, c.mirrorTimeout())
}

// beginPatiently asks again while that makes sense, for as long as a silent server is waited for.
func (c *Client) beginWithRetries(ctx context.Context, h *host, r request, offset int64) (*transfer, error) {
	waits, until := c.waits(), time.Now().Add(c.timeout)
	for attempt := 1; ; attempt++ {
		got, err := c.begin(ctx, h, r, offset, time.Until(until))
		var fault *Error
		if !errors.As(err, &fault) || !fault.transient || attempt == maxAttempts {
			return got, err
		}
		wait := max(waits.NextBackOff(), fault.after)
		if wait >= time.Until(until) {
			return nil, fault
		}
		if err := c.pause(ctx, wait); err != nil {
			return nil, err
		}
	}
}

func (c *Client) waits() *backoff.ExponentialBackOff {
	waits := backoff.NewExponentialBackOff()
	waits.InitialInterval, waits.Multiplier = c.retryBase, 2
	waits.Reset()
	return waits
}

// begin asks one host. Its response must begin within wait; from then on the idle timeout counts.
func (c *Client) begin(ctx context.Context, h *host, r request, offset int64, wait time.Duration) (*transfer, error) {
	limited, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(wait, func() { cancel(errSilent) })
	r.header = http.Header{"Accept-Encoding": {"identity"}} // what is verified are the bytes that the registry holds
	if offset > 0 {
		r.header.Set("Range", "bytes="+strconv.FormatInt(offset, 10)+"-")
	}
	resp, err := c.accepted(limited, h, r)
	timer.Stop()
	if err != nil {
		defer cancel(nil)
		if ctx.Err() == nil && errors.Is(context.Cause(limited), errSilent) {
			return nil, silent(wait.Round(time.Millisecond))
		}
		return nil, err
	}
	t := &transfer{body: resp.Body, size: -1, timer: timer, wait: c.timeout, stop: func() { cancel(nil) }}
	t.explain = func(err error) error {
		if ctx.Err() == nil && errors.Is(context.Cause(limited), errSilent) {
			return silent(c.timeout)
		}
		return c.failure(ctx, h, err)
	}
	if offset == 0 || resp.StatusCode == http.StatusPartialContent {
		t.size = resp.ContentLength
		return t, nil
	}
	// A server that does not know ranges begins anew.
	if _, err := io.CopyN(io.Discard, t, offset); err != nil {
		_ = t.Close()
		if errors.Is(err, io.EOF) {
			err = damaged(fmt.Errorf("it is shorter than %d bytes, which were there before", offset))
		}
		return nil, err
	}
	return t, nil
}

// transfer is the body of one answer.
type transfer struct {
	body io.ReadCloser
	size int64 // of the body, as the host says; -1 if it does not

	timer   *time.Timer // ends the request when a read takes longer than wait
	wait    time.Duration
	stop    func()
	explain func(error) error // what the body's errors mean
}

// Read implements io.Reader. Apart from io.EOF its error is an *Error, or the context's.
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
