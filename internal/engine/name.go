package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/client"
	"github.com/moby/moby/client/pkg/jsonmessage"
	"github.com/moby/moby/client/pkg/versions"
	"github.com/opencontainers/go-digest"
)

// maxRounds is how often Name writes a name if others write it at the same time.
const maxRounds = 8

// minSettle is the shortest delay between writing a name and reading it again, if others probably write it.
const minSettle = 100 * time.Millisecond

// held is what a name in the engine's store points to; the zero value if there is no such name.
type held struct {
	digest    digest.Digest
	manifests Manifests // nil if the engine is too old to tell them
}

// held returns what a name holds now. Only a definite "not found" is no error.
func (e *Engine) held(ctx context.Context, ref string) (held, error) {
	var options []client.ImageInspectOption
	if !versions.LessThan(e.ClientVersion(), manifestsSince) {
		options = append(options, client.ImageInspectWithManifests(true))
	}
	found, err := e.inspect(ctx, ref, options...)
	if errors.Is(err, ErrAbsent) {
		return held{}, nil
	}
	if err != nil {
		return held{}, err
	}
	return held{targetDigest(found), found.Manifests}, nil
}

// Name gives an image of the store a further name, and returns the digest that this name then points to. Images that the name
// has held for other platforms stay, so it may become an index.
//
// The engine has no compare-and-swap. So Name reads the name right before it writes it and again afterwards, and starts over if another
// writer has overwritten it. With watch it waits before the second read: a writer that read the name earlier has then most likely
// written it. The error wraps ErrAbsent if there is no image from.
func (e *Engine) Name(ctx context.Context, from, to string, watch bool) (digest.Digest, error) {
	for range maxRounds {
		now, done, err := e.nameOnce(ctx, from, to, watch)
		if err != nil {
			return "", fmt.Errorf("naming %s in the Docker engine: %w", to, err)
		}
		if done {
			return now, nil
		}
	}
	return "", fmt.Errorf("naming %s in the Docker engine: others changed the name %d times meanwhile; stop other builds of it, and try again", to, maxRounds)
}

// nameOnce writes a name once, unless it holds the image already. done is false if another writer interfered.
func (e *Engine) nameOnce(ctx context.Context, from, to string, watch bool) (now digest.Digest, done bool, err error) {
	began := time.Now()
	added, err := e.held(ctx, from)
	if err == nil && added.digest == "" {
		err = fmt.Errorf("%s: %w", from, ErrAbsent)
	}
	if err != nil {
		return "", false, err
	}
	before, err := e.held(ctx, to)
	if err != nil {
		return "", false, err
	}
	if before.digest == added.digest || len(added.manifests) > 0 && before.manifests.holds(added.manifests) {
		return before.digest, true, nil
	}
	written, err := e.write(ctx, from, to, added, before)
	if err != nil {
		return "", false, err
	}
	if watch {
		if err := pause(ctx, max(minSettle, 4*time.Since(began))); err != nil {
			return "", false, err
		}
	}
	after, err := e.held(ctx, to)
	if err == nil && after.digest == before.digest {
		err = fmt.Errorf("the engine reported no error, but the name does not point to %s", written)
	}
	return after.digest, after.digest == written, err
}

// write points a name to an image, or to an index of the image and those that the name held for other platforms. It returns the digest. The
// engine has all content, so only the index is sent.
//
// The name moves at once: an image that no name points to would be collected as garbage.
func (e *Engine) write(ctx context.Context, from, to string, added, before held) (digest.Digest, error) {
	kept := before.manifests.without(added.manifests.platforms())
	if len(kept) == 0 {
		_, err := e.ImageTag(ctx, client.ImageTagOptions{Source: from, Target: to})
		return added.digest, err
	}
	archive, written, err := indexArchive(to, append(slices.Clone(added.manifests), kept...))
	if err != nil {
		return "", err
	}
	return written, e.load(ctx, archive)
}

// load loads an archive. The engine has answered 200 before it reads the archive, and reports a failure in the stream that follows.
func (e *Engine) load(ctx context.Context, archive io.Reader) error {
	loaded, err := e.ImageLoad(ctx, archive, client.ImageLoadWithQuiet(true))
	if err != nil {
		return err
	}
	defer loaded.Close()
	return jsonmessage.DisplayStream(loaded, io.Discard)
}

// Tag points a name to what another name of the store holds, as docker tag does. It keeps nothing that the name has held. The error wraps
// ErrAbsent if there is no image from.
func (e *Engine) Tag(ctx context.Context, from, to string) error {
	_, err := e.ImageTag(ctx, client.ImageTagOptions{Source: from, Target: to})
	if cerrdefs.IsNotFound(err) {
		return fmt.Errorf("%s: %w", from, ErrAbsent)
	}
	if err != nil {
		return fmt.Errorf("naming %s in the Docker engine: %w", to, err)
	}
	return nil
}

// Untag removes a name. The image stays if it has another one.
func (e *Engine) Untag(ctx context.Context, ref string) error {
	_, err := e.ImageRemove(ctx, ref, client.ImageRemoveOptions{})
	return err
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}
