package tags

import (
	"context"
	"crypto/md5" //nolint:gosec // the scheme is the original's
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"io/fs"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// hashFiles reads every file of the tree once, concurrently, and sets its MD5 and, if copied is set, its SHA-256. If files
// cannot be read, the error names the smallest path.
func hashFiles(ctx context.Context, root *node, copied bool) error {
	q := &queue{}
	root.walk(func(n *node) {
		if !n.dir {
			q.files = append(q.files, n)
		}
	})
	group, ctx := errgroup.WithContext(ctx)
	for range min(workers(), len(q.files)) {
		group.Go(func() error { return newReader(ctx, copied).drain(q) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if q.fault != nil {
		return q.fault
	}
	return nil
}

// queue distributes files among readers.
type queue struct {
	files []*node
	next  atomic.Int64

	mu    sync.Mutex
	fault *PathError
}

func (q *queue) take() *node {
	i := q.next.Add(1) - 1
	if i >= int64(len(q.files)) {
		return nil
	}
	return q.files[i]
}

func (q *queue) fail(n *node, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if p := n.path; q.fault == nil || p < q.fault.Path {
		q.fault = sourceError(p, err)
	}
}

// reader hashes files one after the other and reuses its buffer.
type reader struct {
	ctx         context.Context //nolint:containedctx // a reader lives as long as one call of hashFiles
	md5, sha256 hash.Hash       // sha256 is nil if it is not needed
	buf         []byte
	opener      opener
}

// bufferSize is large enough for most source files.
const bufferSize = 128 << 10

func newReader(ctx context.Context, copied bool) *reader {
	r := &reader{ctx: ctx, md5: md5.New(), buf: make([]byte, bufferSize)} //nolint:gosec // as above
	if copied {
		r.sha256 = sha256.New()
	}
	return r
}

// drain reads files until the queue is empty. It stops early only if the context ends.
func (r *reader) drain(q *queue) error {
	defer r.opener.close()
	for n := q.take(); n != nil; n = q.take() {
		err := r.read(n)
		if ctxErr := r.ctx.Err(); ctxErr != nil {
			return ctxErr
		}
		if err != nil {
			q.fail(n, err)
		}
	}
	return nil
}

func (r *reader) read(n *node) error {
	c, err := r.opener.open(n)
	if err != nil {
		return changed(err)
	}
	defer c.Close()
	n.exec = c.exec
	return r.sum(n, c, c.size)
}

// sum hashes a file up to the size that it had when it was opened. Reading on to the end of the file would cost another
// system call for each file.
func (r *reader) sum(n *node, content io.Reader, size int64) error {
	r.md5.Reset()
	if r.sha256 != nil {
		r.sha256.Reset()
	}
	for n.size < size || size == 0 {
		got, err := content.Read(r.buf)
		r.md5.Write(r.buf[:got])
		if r.sha256 != nil {
			r.sha256.Write(r.buf[:got])
		}
		n.size += int64(got)
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = r.ctx.Err()
		}
		if err != nil {
			return err
		}
	}
	r.md5.Sum(n.md5[:0])
	if r.sha256 != nil {
		r.sha256.Sum(n.sha256[:0])
	}
	return nil
}

// normalMode returns the node's mode in an image, which does not depend on the umask of the checkout.
func (n *node) normalMode() fs.FileMode {
	switch {
	case n.linked:
		return fs.ModeSymlink | 0o777
	case n.dir:
		return fs.ModeDir | 0o755
	case n.exec:
		return 0o755
	}
	return 0o644
}
