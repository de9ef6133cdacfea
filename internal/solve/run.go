package solve

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	controlapi "github.com/moby/buildkit/api/services/control"
	"github.com/moby/buildkit/client"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/identity"
	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/solver/llbsolver/compat"

	"github.com/rtbuild/rtbuild/internal/imagebuild"
)

// Product is rtbuild's name in the capabilities of a build.
const Product = "rtbuild"

// compatibilityVersion is BuildKit's number for the way in which it assembles images. This one is that of v0.15 to v0.30. Daemons
// from v0.30 on read the number, and then behave like v0.30. Older ones behave like it anyway.
const compatibilityVersion = compat.CompatibilityVersion015

// Runner runs solves on one builder.
type Runner struct {
	Builder  *Builder
	Progress *Progress
	Session  []session.Attachable
	Retries  uint // further attempts after a transient error
	Warn     func(string)
}

// Output is the result of one export.
type Output struct {
	Type   string            `json:"type"`
	Digest string            `json:"containerimage.digest,omitempty"`
	Attrs  map[string]string `json:"attrs,omitempty"`
}

// Response is the result of a solve.
type Response struct {
	Exporter map[string]string // the merged responses of all exports
	Outputs  []Output          // one for each export, in their order
}

// Digest returns the digest of the first export's image. In the merged responses, the last export wins.
func (r *Response) Digest() string {
	if len(r.Outputs) > 0 && r.Outputs[0].Digest != "" {
		return r.Outputs[0].Digest
	}
	return r.Exporter["containerimage.digest"]
}

// Run runs a job. It repeats the job if the connection was lost, or after a temporary error of a registry.
//
// The error is the cause of the context's end, a *tags.ChangedError if a local file has changed, a *StepError, a *BuilderError, a
// *PushError, an *imagebuild.ImageError, or an error of the build function.
func (r *Runner) Run(ctx context.Context, job Job) (*Response, error) {
	try := func() (*Response, error) {
		res, err := r.attempt(ctx, job)
		if err != nil && !isTransient(err) {
			return nil, backoff.Permanent(err)
		}
		return res, err
	}
	return backoff.Retry(ctx, try,
		backoff.WithBackOff(&backoff.ExponentialBackOff{
			InitialInterval: time.Second, RandomizationFactor: 0.5, Multiplier: 2, MaxInterval: 10 * time.Second,
		}),
		backoff.WithMaxTries(r.Retries+1),
		backoff.WithMaxElapsedTime(0), // no limit: the build's own time would count
		backoff.WithNotify(func(err error, wait time.Duration) {
			cause, _, _ := strings.Cut(err.Error(), "\n")
			r.Warn(fmt.Sprintf("%s; trying again in %s", cause, wait.Round(time.Second)))
		}))
}

func (r *Runner) attempt(ctx context.Context, job Job) (*Response, error) {
	for _, e := range job.Exports {
		defer e.Abort()
		defer context.AfterFunc(ctx, e.Abort)() // after an interrupt, do not wait for the builder
	}
	solving, cancel := context.WithCancel(ctx)
	defer cancel()
	defer job.whenChanged(cancel)()
	pre := r.precompressor(solving, job)
	defer pre.stop()
	var cause error
	run := func(ctx context.Context, c gateway.Client) (*gateway.Result, error) {
		var res *gateway.Result
		if job.Inspect != nil {
			res, cause = job.inspect(ctx, c)
		} else {
			res, cause = job.build(ctx, c, pre)
		}
		var image *imagebuild.ImageError
		if errors.As(cause, &image) {
			cause = fmt.Errorf("%w%s", cause, r.Builder.trustStore().Advice(image.Error()))
		}
		return res, cause
	}
	ref := identity.NewID()
	status, taken := r.Progress.channel()
	res, err := r.Builder.Build(solving, client.SolveOpt{
		Ref: ref, Exports: job.entries(), LocalMounts: job.mounts(), SharedKey: job.SharedKey, Session: r.Session,
		AllowedEntitlements: job.Allowed, FrontendAttrs: job.attrs(), CacheImports: job.Imports, CacheExports: job.Caches,
		CompatibilityVersion: compatibilityVersion,
	}, Product, run, status)
	<-taken
	if err := r.explain(ctx, job, cause, err); err != nil {
		return nil, err
	}
	for _, e := range job.Exports {
		if err := e.Commit(); err != nil {
			return nil, fmt.Errorf("writing an output: %w", err)
		}
	}
	return &Response{Exporter: res.ExporterResponse, Outputs: r.outputs(ctx, ref, job.Exports)}, nil
}

// outputs returns the result of each export from the builder's history: the response of a solve is one map for all exports, in which
// the last one wins. Without a history, there are no digests.
func (r *Runner) outputs(ctx context.Context, ref string, exports []Export) []Output {
	outputs := make([]Output, len(exports))
	record := r.record(ctx, ref)
	for i, e := range exports {
		outputs[i] = Output{Type: e.Kind(), Attrs: e.Attrs}
		if record == nil {
			continue
		}
		if desc := record.Result.GetResults()[int64(i)]; desc != nil {
			outputs[i].Digest = desc.Digest
		}
	}
	return outputs
}

func (r *Runner) record(ctx context.Context, ref string) *controlapi.BuildHistoryRecord {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	history, err := r.Builder.ControlClient().ListenBuildHistory(ctx, &controlapi.BuildHistoryRequest{Ref: ref, EarlyExit: true})
	if err != nil {
		return nil
	}
	for {
		event, err := history.Recv()
		if err != nil {
			return nil
		}
		if event.Record != nil && event.Record.Result != nil {
			return event.Record
		}
	}
}
