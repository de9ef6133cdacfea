// Package publish carries out a plan: it builds the missing images on one builder, and publishes them under the plan's tags.
//
// The deps image comes first and the source image last. So an existing source tag can be trusted, and an interrupted build
// leaves nothing that misleads a later plan. Each image is first pushed by digest, without a tag. Its tags are then written in
// order, and keep the images that they hold for other platforms.
//
// The package prints only the builder's progress and knows no flags. Commands and tests call Run.
package publish

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/solver/pb"
	"github.com/opencontainers/go-digest"

	"github.com/rtbuild/rtbuild/internal/imagebuild"
	"github.com/rtbuild/rtbuild/internal/options"
	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/internal/planning"
	"github.com/rtbuild/rtbuild/internal/registry"
	"github.com/rtbuild/rtbuild/internal/solve"
)

// Request says what to build and where to publish it.
type Request struct {
	Build
	Plan        *planning.Result
	Push        bool                // write the plan's tags
	Compression options.Compression // of the layers that are pushed
	Exports     []solve.Export      // further destinations of the source image
	Replace     bool                // overwrite tags whose content cannot be read
	Tags        []string            // further references of the source image: in the repository, or any names in the engine's store
}

// Result is the result of a build.
type Result struct {
	// Digest is the digest of the source tag or of the exported image; empty if it is unknown.
	Digest   string
	Response *solve.Response // of the last solve; nil if there was nothing to do
	Stats    solve.Stats     // of all solves
}

// BuildError reports an error during building and publishing. Its text is that of the cause, which may be a *solve.StepError,
// *solve.PushError, *registry.Error, *tags.ChangedError or *imagebuild.ImageError.
type BuildError struct{ Err error }

// Error returns the text of the cause.
func (e *BuildError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *BuildError) Unwrap() error { return e.Err }

// Run builds and publishes what the plan says. If there is nothing to do, it contacts neither
// registry nor builder, but to write further tags.
//
// Errors before the build have the type of their cause:
//   - a [*registry.Error] if the user may not push to the repository, or if the registry cannot be asked;
//   - a [*solve.BuilderError] or [*destination.PairError] if there is no builder;
//   - a [*solve.PlatformError] if the builder cannot run programs for a platform;
//   - a [*GoneError] if an image of the plan has left the Docker engine's store;
//   - none if a file on this machine cannot be used: the project's directory, the cache, the installation's secret.
//
// Errors from the build on are [*BuildError].
func Run(ctx context.Context, req Request) (*Result, error) {
	r := &run{Request: req}
	if req.Plan.Done() && len(req.Exports) == 0 {
		return r.result(), r.tag(ctx)
	}
	for _, warning := range req.Project.Tree.Warnings {
		req.warn(warning)
	}
	builder, err := r.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer builder.Close()
	defer r.untag(ctx)
	if err := r.holdEntries(ctx); err != nil {
		return nil, err
	}
	r.Exports = builder.Loads(r.Exports)
	if err := builder.CheckPlatforms(ctx, r.runsSteps()); err != nil {
		return nil, err
	}
	s, err := req.open(ctx, builder)
	if err != nil {
		return nil, err
	}
	r.solver, r.job, r.requests = s.runner, s.job, r.platformRequests(s.common)
	r.job.Index = !req.Plan.Single()
	if err := s.close(r.solveAll(ctx)); err != nil {
		return nil, &BuildError{err}
	}
	return r.result(), r.tag(ctx)
}

// tag gives the published source image the user's further tags. If there are none, it makes no request.
func (r *run) tag(ctx context.Context) error {
	if len(r.Tags) == 0 || !r.Push {
		return nil
	}
	if r.Destination.Engine != nil {
		return r.tagStored(ctx)
	}
	published, err := r.Destination.Registry.Resolve(ctx, r.Project.Tags.Images.Source)
	for _, ref := range r.Tags {
		if err == nil {
			err = r.Destination.Registry.Tag(ctx, ref, published)
		}
	}
	if err != nil {
		return &BuildError{err}
	}
	return r.Destination.Err()
}

// run is the state of one call of Run.
type run struct {
	Request
	solver   *solve.Runner
	job      solve.Job            // what all solves share
	requests []imagebuild.Request // one for each platform of the plan

	response *solve.Response // of the last solve
	digest   string          // of the last tag that was written, or of the export
	made     string          // reference with the digest of the last image that was published; later images may enter on it

	// In the Docker engine's store until the run ends:
	temporary   []string          // names
	heldEntries map[string]string // references of the plan to names of the run
}

func (r *run) result() *Result {
	result := &Result{Digest: r.digest, Response: r.response}
	if r.solver != nil {
		result.Stats = r.solver.Progress.Stats()
	}
	if r.digest == "" && r.Plan.Done() {
		result.Digest = r.Plan.Platforms[0].Entry.Digest.String()
	}
	return result
}

// platformRequests returns the request for each platform.
func (r *run) platformRequests(common imagebuild.Request) []imagebuild.Request {
	var all []imagebuild.Request
	for _, p := range r.Plan.Platforms {
		request := common
		request.Platform, request.Variant, request.Entry = p.Platform, p.Variant, r.entry(p.From)
		request.BuildImage = r.entry(p.Build)
		request.Annotations = r.Annotations(p.Platform)
		if r.Destination.Engine != nil {
			request.Resolve = pb.AttrImageResolveModePreferLocal
		}
		all = append(all, request)
	}
	return all
}

// solveAll publishes deps images, build images, then source images. It fails if the private registry stopped meanwhile, because its responses
// are then not reliable.
func (r *run) solveAll(ctx context.Context) error {
	if err := r.solveStages(ctx); err != nil {
		return err
	}
	return r.Destination.Err()
}

func (r *run) solveStages(ctx context.Context) error {
	tags := r.Plan.Publications()
	if !r.Push {
		tags = nil
	}
	tags, build := takeBuild(tags, r.Project.Tags.Images.Build)
	if len(tags) > 1 {
		if err := r.publishDeps(ctx, tags[:len(tags)-1]); err != nil {
			return err
		}
	}
	if build != nil {
		if err := r.publishBuild(ctx, *build); err != nil {
			return err
		}
	}
	job := r.job
	job.Requests = r.choose(plan.StageSource, func(p planning.PlatformPlan) bool { return p.Variant != plan.None || len(r.Exports) > 0 })
	job.Annotations = r.ExportAnnotations
	job.Exports, job.Caches = r.Exports, r.cacheExports(job)
	if len(tags) == 0 {
		return r.solve(ctx, job)
	}
	return r.publish(ctx, job, tags[len(tags)-1:])
}

// takeBuild returns the publications of other images, and that of the build image; nil: it is not published.
func takeBuild(tags []planning.Publication, ref string) ([]planning.Publication, *planning.Publication) {
	i := slices.IndexFunc(tags, func(p planning.Publication) bool { return p.Ref == ref })
	if i < 0 {
		return tags, nil
	}
	build := tags[i]
	return slices.Delete(slices.Clone(tags), i, i+1), &build
}

// publishBuild builds and publishes the missing build images. The build commands then run on the published ones. They enter where the plan
// does, as the deps images did: the builder has made system and tools there.
func (r *run) publishBuild(ctx context.Context, tag planning.Publication) error {
	job := r.job
	makes := func(p planning.PlatformPlan) bool { return slices.Contains(p.Publish, tag.Ref) }
	for i, p := range r.Plan.Platforms {
		if makes(p) {
			request := r.requests[i]
			request.Stage, request.Variant, request.Entry = plan.StageBuild, p.Variant, r.entry(p.From)
			job.Requests = append(job.Requests, request)
		}
	}
	if err := r.publish(ctx, job, []planning.Publication{tag}); err != nil {
		return err
	}
	for i, p := range r.Plan.Platforms {
		if makes(p) {
			r.requests[i].BuildImage = imagebuild.EntryImage{Ref: r.made}
		}
	}
	return nil
}

// publishDeps builds and publishes the missing deps images. The source images then start from the published ones.
func (r *run) publishDeps(ctx context.Context, tags []planning.Publication) error {
	job := r.job
	job.Requests, job.Caches = r.choose(plan.StageDeps, planning.PlatformPlan.BuildsDeps), r.CacheExports
	if err := r.publish(ctx, job, tags); err != nil {
		return err
	}
	for i, p := range r.Plan.Platforms {
		if p.BuildsDeps() {
			r.requests[i].Variant = plan.Lock
			r.requests[i].Entry = imagebuild.EntryImage{Ref: r.made}
		}
	}
	return nil
}

// choose returns the requests of some platforms for a stage.
func (r *run) choose(stage string, which func(planning.PlatformPlan) bool) []imagebuild.Request {
	var all []imagebuild.Request
	for i, p := range r.Plan.Platforms {
		if which(p) {
			request := r.requests[i]
			request.Stage = stage
			all = append(all, request)
		}
	}
	return all
}

// cacheExports returns the caches that a solve of source images writes. Only the deps steps are worth caching. A solve without
// them would replace a cache by a nearly empty one.
func (r *run) cacheExports(job solve.Job) []client.CacheOptionsEntry {
	if slices.ContainsFunc(job.Requests, func(req imagebuild.Request) bool { return req.Variant == plan.Scratch || req.Variant == plan.Versioned }) {
		return r.CacheExports
	}
	inline := slices.DeleteFunc(slices.Clone(r.CacheExports), func(e client.CacheOptionsEntry) bool { return e.Type != "inline" })
	if len(inline) < len(r.CacheExports) && r.response == nil {
		r.note("cache export skipped: no system, tools or deps step runs")
	}
	return inline
}

// solve runs one job.
func (r *run) solve(ctx context.Context, job solve.Job) error {
	var err error
	if r.response, err = r.solver.Run(ctx, job); err == nil {
		r.digest = r.response.Digest()
	}
	return err
}

// publish runs a job that pushes its image by digest, and then writes the tags. In a Docker engine's store, it only names the image.
func (r *run) publish(ctx context.Context, job solve.Job, tags []planning.Publication) error {
	if r.Destination.Engine != nil {
		return r.store(ctx, job, tags)
	}
	job.Exports = append([]solve.Export{solve.DigestExport(r.Destination.Repository).WithCompression(r.Compression)}, job.Exports...)
	if err := r.solve(ctx, job); err != nil {
		return err
	}
	r.made = tags[0].Ref + "@" + r.response.Digest()
	for _, tag := range tags {
		if err := r.mergeIntoIndex(ctx, tag); err != nil {
			return err
		}
	}
	r.report(tags)
	return nil
}

// report puts the names and the digest of what was published into the response.
func (r *run) report(tags []planning.Publication) {
	r.response.Exporter["image.name"] = strings.Join(refs(tags), ",")
	r.response.Exporter["containerimage.digest"] = r.digest
}

func refs(tags []planning.Publication) []string {
	var all []string
	for _, tag := range tags {
		all = append(all, tag.Ref)
	}
	return all
}

// mergeIntoIndex points a tag to the pushed image. The versioned tag moves with every change of the lock files. If a registry
// does not allow that, later builds do more work, so this is only a warning.
func (r *run) mergeIntoIndex(ctx context.Context, tag planning.Publication) error {
	now, err := r.Destination.Registry.MergeIndex(ctx, tag.Ref, registry.Pushed{
		Digest: digest.Digest(r.response.Digest()), Platforms: tag.Platforms, Replace: r.Replace, Watch: r.Plan.Contested(),
	})
	if errors.Is(err, registry.ErrImmutable) && tag.Ref == r.Project.Tags.Images.Versioned {
		line, _, _ := strings.Cut(err.Error(), "\n")
		r.warn(fmt.Sprintf("%s; the tag keeps its image, so later builds that start from it do more work", line))
		return nil
	}
	r.digest = now.String()
	return err
}
