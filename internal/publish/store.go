package publish

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/moby/buildkit/identity"

	"github.com/rtbuild/rtbuild/internal/engine"
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

// checkEntries returns a *GoneError if an image that the plan enters on has left the Docker engine's store. Otherwise the engine would ask
// a registry for its name.
func (r *run) checkEntries(ctx context.Context) error {
	if r.Destination.Engine == nil {
		return nil
	}
	for _, p := range r.Plan.Platforms {
		for _, entry := range []string{p.From, p.Build} {
			name, pinned, _ := strings.Cut(entry, "@")
			if !strings.HasPrefix(name, r.Destination.Repository+":") {
				continue
			}
			now, err := r.Destination.Engine.Resolve(ctx, name)
			if errors.Is(err, engine.ErrAbsent) || err == nil && now.String() != pinned {
				return &GoneError{name}
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// store runs a job that names its image in the Docker engine's store. The names keep the images that they hold for other platforms.
func (r *run) store(ctx context.Context, job solve.Job, tags []planning.Publication) error {
	before, others := r.held(ctx, tags)
	names := refs(tags)
	if others { // the image gets its names when it can be added to what they hold
		names = []string{r.Destination.Repository + ":new-" + identity.NewID()}
	}
	full, err := fullNames(names)
	if err != nil {
		return err
	}
	job.Exports = append([]solve.Export{solve.StoreExport(full...).WithCompression(r.Compression)}, job.Exports...)
	if err := r.solve(ctx, job); err != nil {
		return err
	}
	r.made = r.digest
	if others {
		if err := r.rename(ctx, names[0], tags, before); err != nil {
			return err
		}
	}
	r.report(tags)
	return nil
}

// held returns what tags hold, and whether one of them holds other platforms than it is to get.
func (r *run) held(ctx context.Context, tags []planning.Publication) (before map[string]engine.Manifests, others bool) {
	before = map[string]engine.Manifests{}
	for _, tag := range tags {
		before[tag.Ref] = r.Destination.Engine.Manifests(ctx, tag.Ref)
		others = others || before[tag.Ref].HoldOthers(tag.Platforms)
	}
	return before, others
}

// rename gives an image its tags, and removes the name that it has. Later images enter on the first tag.
func (r *run) rename(ctx context.Context, name string, tags []planning.Publication, before map[string]engine.Manifests) error {
	to := r.Destination.Engine
	for i, tag := range tags {
		now, err := to.Rename(ctx, name, tag.Ref, before[tag.Ref])
		if err != nil {
			return err
		}
		if r.digest = now.String(); i == 0 {
			r.made = r.digest
		}
	}
	return to.Untag(ctx, name)
}

func fullNames(names []string) ([]string, error) {
	var full []string
	for _, name := range names {
		one, err := naming.FullName(name)
		if err != nil {
			return nil, err
		}
		full = append(full, one)
	}
	return full, nil
}
