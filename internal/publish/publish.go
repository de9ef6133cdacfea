// Package publish carries out a plan: it builds what is missing on one builder, and publishes it under the plan's tags.
//
// The deps image comes first and the source image last, so that a source tag that exists can be trusted, and a build that ends
// half-way leaves nothing that a later plan would believe. Each image is pushed by its digest alone. Its tags are written
// afterwards, in order, and keep what they hold for other platforms by then.
//
// The package prints nothing but the builder's progress and knows no flags: commands and tests call Run.
package publish

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/moby/buildkit/client"
	"github.com/opencontainers/go-digest"

	"github.com/rtbuild/rtbuild/internal/imagebuild"
	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/internal/planning"
	"github.com/rtbuild/rtbuild/internal/registry"
	"github.com/rtbuild/rtbuild/internal/solve"
)

// Request says what is built and where it goes.
type Request struct {
	Build
	Plan    *planning.Result
	Push    bool           // write the plan's tags
	Exports []solve.Export // further places for the source image
	Replace bool           // also write a tag whose content cannot be read
}

// Result is what came of a build.
type Result struct {
	// Digest is what the source tag points to, or the digest of what was exported; empty if nobody tells.
	Digest   string
	Response *solve.Response // of the last solve; nil if there was nothing to do
}

// BuildError is an error that arose while images were built and published. Its text and type are those of the cause, which may
// tell more: a *solve.StepError, *solve.PushError, *registry.Error, *tags.ChangedError or *imagebuild.ImageError.
type BuildError struct{ Err error }

// Error returns the text of the cause.
func (e *BuildError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *BuildError) Unwrap() error { return e.Err }

// Run builds and publishes what the plan says. Where nothing is to be done, it asks nobody. Before anything is built it makes
// sure that the repository may be pushed to (a *registry.Error says why not) and that the builder runs the platforms
// (*solve.PlatformError). A *BuildError is about what came afterwards.
func Run(ctx context.Context, req Request) (*Result, error) {
	r := &run{Request: req}
	if req.Plan.Done() && len(req.Exports) == 0 {
		return r.result(), nil
	}
	for _, warning := range req.Project.Tree.Warnings {
		req.warn(warning)
	}
	builder, err := r.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer builder.Close()
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
	return r.result(), nil
}

// run is a request while it is carried out.
type run struct {
	Request
	solver   solver
	job      solve.Job            // what all solves have in common
	requests []imagebuild.Request // one for each platform of the plan

	response *solve.Response // of the last solve
	digest   string          // what the last tag that was written points to, or what was exported
}

// solver runs one job on a builder: *solve.Runner.
type solver interface {
	Run(context.Context, solve.Job) (*solve.Response, error)
}

func (r *run) result() *Result {
	result := &Result{Digest: r.digest, Response: r.response}
	if r.digest == "" && r.Plan.Done() {
		result.Digest = r.Plan.Platforms[0].Entry.Digest.String()
	}
	return result
}

// platformRequests completes what the requests for all platforms have in common.
func (r *run) platformRequests(common imagebuild.Request) []imagebuild.Request {
	var all []imagebuild.Request
	for _, p := range r.Plan.Platforms {
		request := common
		request.Platform, request.Variant, request.Entry = p.Platform, p.Variant, imagebuild.EntryImage{Ref: p.From}
		request.Annotations = r.Annotations(p.Platform)
		all = append(all, request)
	}
	return all
}

// solveAll publishes deps images before source images. What the private registry said is believed only if it still runs.
func (r *run) solveAll(ctx context.Context) error {
	if err := r.solveStages(ctx); err != nil {
		return err
	}
	return r.Destination.Alive()
}

func (r *run) solveStages(ctx context.Context) error {
	tags := r.Plan.Publications()
	if !r.Push {
		tags = nil
	}
	if len(tags) > 1 {
		if err := r.publishDeps(ctx, tags[:len(tags)-1]); err != nil {
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

// publishDeps builds and publishes the deps images that are missing. The source images then enter on what was published.
func (r *run) publishDeps(ctx context.Context, tags []planning.Publication) error {
	job := r.job
	job.Requests, job.Caches = r.choose(plan.StageDeps, planning.PlatformPlan.BuildsDeps), r.CacheExports
	if err := r.publish(ctx, job, tags); err != nil {
		return err
	}
	for i, p := range r.Plan.Platforms {
		if p.BuildsDeps() {
			r.requests[i].Variant = plan.Lock
			r.requests[i].Entry = imagebuild.EntryImage{Ref: tags[0].Ref + "@" + r.response.Digest()}
		}
	}
	return nil
}

// choose returns the requests of some platforms, for a stage.
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

// cacheExports returns the caches that a solve of source images writes. The steps worth keeping are those of deps: a solve
// without them would replace a cache by its own few.
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

// publish runs a job whose image is pushed by its digest alone, and then writes the tags.
func (r *run) publish(ctx context.Context, job solve.Job, tags []planning.Publication) error {
	job.Exports = append([]solve.Export{solve.DigestExport(r.Destination.Repository)}, job.Exports...)
	if err := r.solve(ctx, job); err != nil {
		return err
	}
	var names []string
	for _, tag := range tags {
		if err := r.mergeIntoIndex(ctx, tag); err != nil {
			return err
		}
		names = append(names, tag.Ref)
	}
	r.response.Exporter["image.name"] = strings.Join(names, ",")
	r.response.Exporter["containerimage.digest"] = r.digest
	return nil
}

// mergeIntoIndex lets a tag show what was pushed. The versioned tag moves with every change of the lock files: a registry that
// does not let it move only costs later builds some work.
func (r *run) mergeIntoIndex(ctx context.Context, tag planning.Publication) error {
	now, err := r.Destination.Registry.MergeIndex(ctx, tag.Ref, registry.Pushed{
		Digest: digest.Digest(r.response.Digest()), Platforms: tag.Platforms, Replace: r.Replace, Watch: r.Plan.Contested(),
	})
	if errors.Is(err, registry.ErrImmutable) && tag.Ref == r.Project.Tags.Images.Versioned {
		line, _, _ := strings.Cut(err.Error(), "\n")
		r.warn(fmt.Sprintf("%s; it stays as it is, and a build that may enter on it does more work", line))
		return nil
	}
	r.digest = now.String()
	return err
}
