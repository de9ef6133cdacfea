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
	"github.com/rtbuild/rtbuild/internal/planning"
	"github.com/rtbuild/rtbuild/internal/registry"
	"github.com/rtbuild/rtbuild/internal/solve"
)

// solveAll publishes deps before source, so that a source tag that exists can be trusted.
func (b *execution) solveAll(ctx context.Context) error {
	tags := b.plan.Publications()
	if b.publishes() && len(tags) > 0 {
		if err := b.publishDeps(ctx, tags[:len(tags)-1]); err != nil {
			return err
		}
	}
	job := b.job
	job.Requests = b.choose(plan.StageSource, func(a planning.PlatformPlan) bool { return a.Variant != plan.None || len(b.exports) > 0 })
	job.Annotations = b.flags.exportAnnotations()
	job.Exports, job.Caches = b.exports, b.cacheExports(job)
	if !b.publishes() || len(tags) == 0 {
		return b.runJob(ctx, job)
	}
	return b.publish(ctx, job, tags[len(tags)-1:])
}

// publishDeps builds the deps images that are wanting, publishes them and lets the source images enter on what was
// published.
func (b *execution) publishDeps(ctx context.Context, tags []planning.Publication) error {
	if len(tags) == 0 {
		return nil
	}
	job := b.job
	job.Requests, job.Caches = b.choose(plan.StageDeps, planning.PlatformPlan.BuildsDeps), b.flags.caches.exports
	if err := b.publish(ctx, job, tags); err != nil {
		return err
	}
	for i, a := range b.plan.Platforms {
		if a.BuildsDeps() {
			b.requests[i].Variant = plan.Lock
			b.requests[i].Entry = build.EntryImage{Ref: tags[0].Ref + "@" + b.response.Digest()}
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
func (b *execution) choose(stage string, which func(planning.PlatformPlan) bool) []build.Request {
	var all []build.Request
	for i, a := range b.plan.Platforms {
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
func (b *execution) publish(ctx context.Context, job solve.Job, tags []planning.Publication) error {
	names := make([]string, len(tags))
	for i, tag := range tags {
		names[i] = tag.Ref
	}
	job.Exports = append([]solve.Export{solve.DigestExport(b.destination.Repository)}, job.Exports...)
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
func (b *execution) putBeside(ctx context.Context, tag planning.Publication) error {
	at, err := b.destination.Registry.Publish(ctx, tag.Ref, registry.Pushed{
		Digest: digest.Digest(b.response.Digest()), Platforms: tag.Platforms, Replace: b.options.plan.force, Watch: b.plan.Contested(),
	})
	if errors.Is(err, registry.ErrImmutable) && tag.Ref == b.project.Tags.Images.Versioned {
		warn(fmt.Sprintf("%s; it stays as it is, and a build that may enter on it does more work", firstLine(err)))
		return nil
	}
	b.digest = at.String()
	return err
}

// furtherRefs are what the builder is asked for beside the repository and the base: deps images of other repositories, caches, images that
// are exported under other names, and the scanner of a bill of materials.
func furtherRefs(reuse []string, exports []solve.Export, flags *buildFlags) []string {
	refs := append(slices.Clone(reuse), build.ScannerImage(flags.attests))
	for _, e := range exports {
		if e.IsImage() {
			refs = append(refs, strings.Split(e.Attrs["name"], ",")...)
		}
	}
	for _, cache := range slices.Concat(flags.caches.imports, flags.caches.exports) {
		if cache.Type == "registry" {
			refs = append(refs, cache.Attrs["ref"])
		}
	}
	return refs
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
