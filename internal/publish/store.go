package publish

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/buildkit/identity"
	"github.com/moby/moby/client"
	"github.com/opencontainers/go-digest"

	"github.com/rtbuild/rtbuild/internal/engine"
	"github.com/rtbuild/rtbuild/internal/imagebuild"
	"github.com/rtbuild/rtbuild/internal/planning"
	"github.com/rtbuild/rtbuild/internal/solve"
	naming "github.com/rtbuild/rtbuild/tags"
)

// GoneError says that an image that the plan enters on has left the Docker engine's store since. A new plan does without it.
type GoneError struct{ Ref string }

// Error names the image.
func (e *GoneError) Error() string {
	return fmt.Sprintf("image %s was removed from the Docker engine, or replaced, since the plan was made", e.Ref)
}

// holdEntries gives each image of the Docker engine's store that the plan enters on a name of its own until the run ends. The builder finds
// a pinned image only while its name points to it, and would ask a registry otherwise; another build may move a tag at any time. The error
// is a *GoneError if an image has left the store since the plan was made.
func (r *run) holdEntries(ctx context.Context) error {
	if r.Destination.Engine == nil {
		return nil
	}
	r.heldEntries = map[string]string{}
	for _, p := range r.Plan.Platforms {
		for _, entry := range []string{p.From, p.Build} {
			if r.heldEntries[entry] != "" || !strings.HasPrefix(entry, r.Destination.Repository+":") {
				continue
			}
			held, err := r.holdEntry(ctx, entry)
			if err != nil {
				return err
			}
			r.heldEntries[entry] = held
		}
	}
	return nil
}

// holdEntry gives an image another name, and returns that with the digest.
func (r *run) holdEntry(ctx context.Context, entry string) (string, error) {
	name, pinned, _ := strings.Cut(entry, "@")
	own := r.ownName()
	err := r.Destination.Engine.Tag(ctx, name, own)
	var now digest.Digest
	if err == nil {
		now, err = r.Destination.Engine.Resolve(ctx, own)
	}
	if errors.Is(err, engine.ErrAbsent) || err == nil && now.String() != pinned {
		return "", &GoneError{name}
	}
	return own + "@" + pinned, err
}

// entry returns an image to enter on, under the name that the run holds it by.
func (r *run) entry(ref string) imagebuild.EntryImage {
	return imagebuild.EntryImage{Ref: cmp.Or(r.heldEntries[ref], ref)}
}

// ownName returns a new name in the Docker engine's store that only this run uses, and removes at its end.
func (r *run) ownName() string {
	own := r.Destination.Repository + ":new-" + identity.NewID()
	r.temporary = append(r.temporary, own)
	return own
}

// store runs a job that stores its image in the Docker engine, and names it there. The image gets a name of its own first, which it keeps
// until the run ends: the tags may move meanwhile, and what they hold for other platforms is read only when they are written.
func (r *run) store(ctx context.Context, job solve.Job, tags []planning.Publication) error {
	own := r.ownName()
	full, err := naming.FullName(own)
	if err != nil {
		return err
	}
	job.Exports = append([]solve.Export{solve.StoreExport(full).WithCompression(r.Compression)}, job.Exports...)
	if err := r.solve(ctx, job); err != nil {
		return err
	}
	r.made = own + "@" + r.digest
	for _, tag := range tags {
		now, err := r.Destination.Engine.Name(ctx, own, tag.Ref, r.Plan.Contested())
		if err != nil {
			return err
		}
		r.digest = now.String()
	}
	r.report(tags)
	return nil
}

// untagTimeout limits the removal of names at the end, which an interrupt does not stop.
const untagTimeout = 10 * time.Second

// untag removes the names that images had during the run. An image whose tags could not be written goes with its name. If the engine does
// not answer any more, the error of the run says so.
func (r *run) untag(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), untagTimeout)
	defer cancel()
	for _, name := range r.temporary {
		if err := r.Destination.Engine.Untag(ctx, name); err != nil && !cerrdefs.IsNotFound(err) && !client.IsErrConnectionFailed(err) {
			r.warn(fmt.Sprintf("%s stays in the Docker engine: %v; remove it with: docker image rm %s", name, err, name))
		}
	}
}

// tagStored gives the source image in the Docker engine's store the user's further names, as docker tag does.
func (r *run) tagStored(ctx context.Context) error {
	for _, ref := range r.Tags {
		if err := r.Destination.Engine.Tag(ctx, r.Project.Tags.Images.Source, ref); err != nil {
			return &BuildError{err}
		}
	}
	return nil
}
