package solve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/containerd/platforms"
	controlapi "github.com/moby/buildkit/api/services/control"
	"github.com/moby/buildkit/client"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/identity"
	"github.com/moby/buildkit/session"
	"github.com/tonistiigi/fsutil"
	"golang.org/x/sync/errgroup"

	"github.com/rtbuild/rtbuild/internal/imagebuild"
	"github.com/rtbuild/rtbuild/tags"
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
	Requests  []imagebuild.Request // one a platform
	Index     bool                 // an index, also of one platform
	Locals    map[string]*Local
	SharedKey string                                                                    // tells the builder which earlier copy of the directories to update
	Inspect   func(ctx context.Context, c gateway.Client, req imagebuild.Request) error // instead of a build; for each request
	Exports   []Export
	Allowed   []string // entitlements

	Attrs       map[string]string          // what the solver itself reads, as a frontend's attributes: attest:*
	Annotations map[string]string          // of exports: their attributes annotation-index.KEY and so on
	Imports     []client.CacheOptionsEntry // caches to use
	Caches      []client.CacheOptionsEntry // caches to write
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

// Close gives the directories back.
func (j Job) Close() {
	for _, l := range j.Locals {
		_ = l.Close()
	}
}

// mounts are the directories as BuildKit takes them.
func (j Job) mounts() map[string]fsutil.FS {
	all := map[string]fsutil.FS{}
	for name, l := range j.Locals {
		all[name] = l
	}
	return all
}

// whenChanged calls f once if a directory changes under the job, until it is told to stop.
func (j Job) whenChanged(f func()) (stop func()) {
	stopped := make(chan struct{})
	for _, l := range j.Locals {
		go func() {
			select {
			case <-l.Ended():
				f()
			case <-stopped:
			}
		}()
	}
	return func() { close(stopped) }
}

// changed is the change of a directory that ended the job; nil if there was none.
func (j Job) changed() *tags.ChangedError {
	for _, name := range slices.Sorted(maps.Keys(j.Locals)) {
		if changed := j.Locals[name].Changed(); changed != nil {
			return changed
		}
	}
	return nil
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

// inspect only looks, and has no result.
func (j Job) inspect(ctx context.Context, c gateway.Client) (*gateway.Result, error) {
	for _, req := range j.Requests {
		if err := j.Inspect(ctx, c, req); err != nil {
			return nil, err
		}
	}
	return gateway.NewResult(), nil
}

// build solves all platforms side by side.
func (j Job) build(ctx context.Context, c gateway.Client, early *precompressor) (*gateway.Result, error) {
	imports, err := cacheImports(c.BuildOpts().Opts)
	if err != nil {
		return nil, err
	}
	images := make([]*imagebuild.Image, len(j.Requests))
	group, building := errgroup.WithContext(ctx)
	for i, req := range j.Requests {
		req.Imports, req.OnStageDefined, req.Compression = imports, early.start, j.compression()
		group.Go(func() (err error) {
			images[i], err = imagebuild.Build(building, c, req)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	res, err := imagebuild.Result(images, j.Index)
	if err != nil {
		return nil, err
	}
	scanner, err := imagebuild.NewScanner(c)
	if err != nil {
		return nil, err
	}
	return res, scanner.Attest(ctx, res, images)
}

// cacheImports are the caches to use as the client has prepared them: a local one has got a digest on the way. The key is
// the one under which frontends get them.
func cacheImports(opts map[string]string) ([]gateway.CacheOptionsEntry, error) {
	text := opts["cache-imports"]
	if text == "" {
		return nil, nil
	}
	var imports []gateway.CacheOptionsEntry
	if err := json.Unmarshal([]byte(text), &imports); err != nil {
		return nil, fmt.Errorf("reading the caches to use: %w", err)
	}
	return imports, nil
}

// attrs are the attributes of the solve. The platforms are among them, since BuildKit warns of results that nobody asked
// for.
func (j Job) attrs() map[string]string {
	attrs := maps.Clone(j.Attrs)
	if attrs == nil {
		attrs = map[string]string{}
	}
	var names []string
	for _, req := range j.Requests {
		names = append(names, platforms.Format(req.Platform))
	}
	attrs["platform"] = strings.Join(names, ",")
	return attrs
}

// entries are the exports as BuildKit takes them.
func (j Job) entries() []client.ExportEntry {
	var entries []client.ExportEntry
	for _, e := range j.Exports {
		entries = append(entries, e.entry(j.Annotations))
	}
	return entries
}

// Run solves a job. It tries again if the connection was lost, or if a registry failed in a way that may pass.
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
	for _, e := range job.Exports {
		defer e.Abort()
		defer context.AfterFunc(ctx, e.Abort)() // who is interrupted may not wait for the builder
	}
	solving, cancel := context.WithCancel(ctx)
	defer cancel()
	defer job.whenChanged(cancel)()
	early := r.precompressor(solving, job)
	defer early.stop()
	var cause error
	run := func(ctx context.Context, c gateway.Client) (*gateway.Result, error) {
		var res *gateway.Result
		if job.Inspect != nil {
			res, cause = job.inspect(ctx, c)
		} else {
			res, cause = job.build(ctx, c, early)
		}
		var image *imagebuild.ImageError
		if errors.As(cause, &image) {
			cause = fmt.Errorf("%w%s", cause, imagebuild.TrustAdvice(image, r.Builder.name()))
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
