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
	"github.com/tonistiigi/fsutil"
	"golang.org/x/sync/errgroup"

	"github.com/rtbuild/rtbuild/internal/build"
)

// Product is the name under which we appear to the builder's capabilities.
const Product = "rtbuild"

// Runner runs solves on one builder.
type Runner struct {
	Builder  *Builder
	Progress *Progress
	Session  []session.Attachable
	Retries  uint // further attempts at what is worth them
	Warn     func(string)
}

// Job is one solve: requests to the build function, the directories it reads, and where its result goes.
type Job struct {
	Requests  []build.Request // one a platform
	Index     bool            // an index, also of one platform
	Locals    map[string]fsutil.FS
	SharedKey string // tells the builder which earlier copy of the directories to update
	Exports   []Export
	Allowed   []string // entitlements
}

// Output is what one export returned.
type Output struct {
	Type   string            `json:"type"`
	Digest string            `json:"containerimage.digest,omitempty"`
	Attrs  map[string]string `json:"attrs,omitempty"`
}

// Response is what a solve returned.
type Response struct {
	Exporter map[string]string // the merged answers of all exports
	Outputs  []Output          // one an export, in their order
}

// Digest is the digest of the image that the first export made: the merged answers tell the last one's.
func (r *Response) Digest() string {
	if len(r.Outputs) > 0 && r.Outputs[0].Digest != "" {
		return r.Outputs[0].Digest
	}
	return r.Exporter["containerimage.digest"]
}

func (j Job) names() string {
	var names []string
	for _, e := range j.Exports {
		if name := e.Attrs["name"]; name != "" {
			names = append(names, name)
		}
	}
	return strings.Join(names, ",")
}

// build solves all platforms side by side.
func (j Job) build(ctx context.Context, c gateway.Client) (*gateway.Result, error) {
	images := make([]*build.Image, len(j.Requests))
	group, ctx := errgroup.WithContext(ctx)
	for i, req := range j.Requests {
		group.Go(func() (err error) {
			images[i], err = build.Build(ctx, c, req)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return build.Result(images, j.Index)
}

// Run solves a job, again where that is worth it.
func (r *Runner) Run(ctx context.Context, job Job) (*Response, error) {
	attempt := func() (*Response, error) {
		res, err := r.once(ctx, job)
		if err != nil && !worthRetrying(err) {
			return nil, backoff.Permanent(err)
		}
		return res, err
	}
	return backoff.Retry(ctx, attempt,
		backoff.WithBackOff(&backoff.ExponentialBackOff{
			InitialInterval: time.Second, RandomizationFactor: 0.5, Multiplier: 2, MaxInterval: 10 * time.Second,
		}),
		backoff.WithMaxTries(r.Retries+1),
		backoff.WithMaxElapsedTime(0), // which would count the build's own time
		backoff.WithNotify(func(err error, wait time.Duration) {
			cause, _, _ := strings.Cut(err.Error(), "\n")
			r.Warn(fmt.Sprintf("%s; trying again in %s", cause, wait.Round(time.Second)))
		}))
}

func (r *Runner) once(ctx context.Context, job Job) (*Response, error) {
	var entries []client.ExportEntry
	for _, e := range job.Exports {
		entries = append(entries, e.ExportEntry)
		defer e.Abort()
	}
	var cause error
	run := func(ctx context.Context, c gateway.Client) (*gateway.Result, error) {
		var res *gateway.Result
		res, cause = job.build(ctx, c)
		var image *build.ImageError
		if errors.As(cause, &image) {
			cause = fmt.Errorf("%w%s", cause, TrustAdvice(image, "the builder"))
		}
		return res, cause
	}
	ref := identity.NewID()
	status, taken := r.Progress.channel()
	res, err := r.Builder.Build(ctx, client.SolveOpt{
		Ref: ref, Exports: entries, LocalMounts: job.Locals, SharedKey: job.SharedKey, Session: r.Session,
		AllowedEntitlements: job.Allowed,
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

// outputs asks the builder's history what each export returned: the answer to a solve is one map, in which the last
// export wins. Digests are left out where there is no history.
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
