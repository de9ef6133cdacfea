package solve

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/client/llb"
)

// precompressor makes the builder compress layers while later layers build. The exporter itself starts only after the last layer, and
// compresses each layer on one core. The builder stores the compressed layers, and the exporter finds them. precompressor ignores
// errors, since the job fails with the same ones.
type precompressor struct {
	runner *Runner
	job    Job
	attrs  map[string]string // of the export; nil if no export of the job compresses layers

	ctx    context.Context // ends with the job
	cancel context.CancelFunc
	solves sync.WaitGroup
}

func (r *Runner) precompressor(ctx context.Context, job Job) *precompressor {
	p := &precompressor{runner: r, job: job}
	p.ctx, p.cancel = context.WithCancel(ctx)
	// A cache may have the result of a step. Only the job itself uses the cache, so no step may run before it.
	if len(job.Imports) > 0 {
		return p
	}
	if i := slices.IndexFunc(job.Exports, Export.IsNamed); i >= 0 {
		p.attrs = job.Exports[i].entry(nil).Attrs
		maps.DeleteFunc(p.attrs, func(key, _ string) bool { return !slices.Contains(layerAttrs, key) })
	}
	return p
}

// layerAttrs are the attributes of an export that change the bytes of its layers.
var layerAttrs = []string{"oci-mediatypes", "compression", "compression-level", "force-compression"}

// start starts to compress the layers of a state.
func (p *precompressor) start(def *llb.Definition) {
	if p.attrs == nil {
		return
	}
	p.solves.Go(func() {
		ignored := make(chan *client.SolveStatus)
		go func() {
			for range ignored {
			}
		}()
		_, _ = p.runner.Builder.Solve(p.ctx, def, client.SolveOpt{
			Exports:     []client.ExportEntry{{Type: client.ExporterImage, Attrs: p.attrs}},
			LocalMounts: p.job.mounts(), SharedKey: p.job.SharedKey, Session: p.runner.Session,
			AllowedEntitlements: p.job.Allowed, CompatibilityVersion: compatibilityVersion,
			Internal: true, // keeps it out of the builder's history
		}, ignored)
	})
}

// stop cancels the running solves and waits for their end.
func (p *precompressor) stop() {
	p.cancel()
	p.solves.Wait()
}
