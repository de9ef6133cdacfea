package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/moby/buildkit/client"
	"github.com/opencontainers/go-digest"

	"github.com/rtbuild/rtbuild/internal/build"
	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/internal/registry"
	"github.com/rtbuild/rtbuild/internal/solve"
)

// solveAll publishes deps before source, so that a source tag that exists can be trusted.
func (b *execution) solveAll(ctx context.Context) error {
	tags := b.survey.publications()
	if b.publishes() && len(tags) > 0 {
		if err := b.publishDeps(ctx, tags[:len(tags)-1]); err != nil {
			return err
		}
	}
	job := b.job
	job.Requests = b.choose(plan.StageSource, func(a aim) bool { return a.Variant != plan.None || len(b.exports) > 0 })
	job.Annotations = b.flags.exportAnnotations()
	job.Exports, job.Caches = b.exports, b.cacheExports(job)
	if !b.publishes() || len(tags) == 0 {
		return b.runJob(ctx, job)
	}
	return b.publish(ctx, job, tags[len(tags)-1:])
}

// publishDeps builds the deps images that are wanting, publishes them and lets the source images enter on what was
// published.
func (b *execution) publishDeps(ctx context.Context, tags []publication) error {
	if len(tags) == 0 {
		return nil
	}
	job := b.job
	job.Requests, job.Caches = b.choose(plan.StageDeps, aim.buildsDeps), b.flags.caches.exports
	if err := b.publish(ctx, job, tags); err != nil {
		return err
	}
	for i, a := range b.survey.aims {
		if a.buildsDeps() {
			b.requests[i].Variant = plan.Lock
			b.requests[i].Entry = build.EntryImage{Ref: tags[0].ref + "@" + b.response.Digest()}
		}
	}
	return nil
}

// cacheExports are the caches that a solve of the source image writes. The steps that are worth keeping are those of deps:
// a solve that has none of them would put its own few in their place.
func (b *execution) cacheExports(job solve.Job) []client.CacheOptionsEntry {
	if slices.ContainsFunc(job.Requests, func(r build.Request) bool { return r.Variant == plan.Scratch || r.Variant == plan.Versioned }) {
		return b.flags.caches.exports
	}
	inline := b.flags.caches.inline()
	if len(inline) < len(b.flags.caches.exports) && b.response == nil {
		fmt.Fprintln(os.Stderr, "NOTE: --cache-to is left as it is: no step of system, tools or deps is run")
	}
	return inline
}

// choose gives the requests of those platforms, for a stage.
func (b *execution) choose(stage string, which func(aim) bool) []build.Request {
	var all []build.Request
	for i, a := range b.survey.aims {
		if which(a) {
			request := b.requests[i]
			request.Stage = stage
			all = append(all, request)
		}
	}
	return all
}

// runJob runs one solve.
func (b *execution) runJob(ctx context.Context, job solve.Job) error {
	var err error
	if b.response, err = b.runner.Run(ctx, job); err == nil {
		b.digest = b.response.Digest()
	}
	return err
}

// publish runs a solve whose image is pushed by its digest alone. The tags take it afterwards, beside what they hold for other
// platforms by then.
func (b *execution) publish(ctx context.Context, job solve.Job, tags []publication) error {
	names := make([]string, len(tags))
	for i, tag := range tags {
		names[i] = tag.ref
	}
	job.Exports = append([]solve.Export{solve.DigestExport(b.place.repository)}, job.Exports...)
	if err := b.runJob(ctx, job); err != nil {
		return err
	}
	for _, tag := range tags {
		if err := b.putBeside(ctx, tag); err != nil {
			return err
		}
	}
	b.response.Exporter["image.name"] = strings.Join(names, ",")
	b.response.Exporter["containerimage.digest"] = b.digest
	return nil
}

// putBeside lets a tag show what was pushed. The versioned tag moves with every change of the lock files: where it may not, what
// later builds need to enter on the lock image is there nevertheless.
func (b *execution) putBeside(ctx context.Context, tag publication) error {
	at, err := b.place.registry.Publish(ctx, tag.ref, registry.Pushed{
		Digest: digest.Digest(b.response.Digest()), Platforms: tag.platforms, Replace: b.options.plan.force, Watch: b.survey.contested(),
	})
	if errors.Is(err, registry.ErrImmutable) && tag.ref == b.project.Tags.Images.Versioned {
		warn(fmt.Sprintf("%s; it stays as it is, and a build that may enter on it does more work", firstLine(err)))
		return nil
	}
	b.digest = at.String()
	return err
}
