package solve

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/client/llb"
)

// precompressor lets the builder compress early layers while later layers build. An exporter begins when all layers are there, and
// compresses each on one core. The builder keeps the result with the layers, where the job's own export finds it. Failures are
// dropped: the job has them too, and reports them.
type precompressor struct {
	runner *Runner
	job    Job
	attrs  map[string]string // of the export; nil if none of the job's compresses

	ctx    context.Context // ends with the job
	cancel context.CancelFunc
	solves sync.WaitGroup
}

func (r *Runner) precompressor(ctx context.Context, job Job) *precompressor {
	p := &precompressor{runner: r, job: job}
	p.ctx, p.cancel = context.WithCancel(ctx)
	// A cache of another builder may hold what a step makes. Only the job asks for it, so nothing may run before.
	if len(job.Imports) > 0 {
		return p
	}
	if i := slices.IndexFunc(job.Exports, Export.IsNamed); i >= 0 {
		p.attrs = job.Exports[i].entry(nil).Attrs
		maps.DeleteFunc(p.attrs, func(key, _ string) bool { return !slices.Contains(shapesLayers, key) })
	}
	return p
}

// shapesLayers are the attributes of an export on which the bytes of its layers depend.
var shapesLayers = []string{"oci-mediatypes", "compression", "compression-level", "force-compression"}

// start begins to compress a state.
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
			Internal: true, // not a build of its own in the builder's history
		}, ignored)
	})
}

// stop ends what has not come to its end.
func (p *precompressor) stop() {
	p.cancel()
	p.solves.Wait()
}
