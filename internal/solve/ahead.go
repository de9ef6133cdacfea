package solve

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/client/llb"
)

// ahead has the builder compress what an image is built up of while the rest is still being made: an exporter begins when all is
// done, and compresses each layer on one core. What comes of it stays with the layers, in the builder, where the job's own
// export finds it. Failures are the job's own, which reports them.
type ahead struct {
	runner *Runner
	job    Job
	attrs  map[string]string // of the export; nil if none of the job's compresses

	ctx    context.Context // ends with the job
	cancel context.CancelFunc
	solves sync.WaitGroup
}

func (r *Runner) ahead(ctx context.Context, job Job) *ahead {
	a := &ahead{runner: r, job: job}
	a.ctx, a.cancel = context.WithCancel(ctx)
	// A cache of another builder may have what a step makes: the step must wait for its answer, which only the job asks for.
	if len(job.Imports) > 0 {
		return a
	}
	if i := slices.IndexFunc(job.Exports, Export.IsNamed); i >= 0 {
		a.attrs = job.Exports[i].entry(nil).Attrs
		maps.DeleteFunc(a.attrs, func(key, _ string) bool { return !slices.Contains(shapesLayers, key) })
	}
	return a
}

// shapesLayers are the attributes of an export on which the bytes of its layers depend.
var shapesLayers = []string{"oci-mediatypes", "compression", "compression-level", "force-compression"}

// start begins to compress a state.
func (a *ahead) start(def *llb.Definition) {
	if a.attrs == nil {
		return
	}
	a.solves.Go(func() {
		ignored := make(chan *client.SolveStatus)
		go func() {
			for range ignored {
			}
		}()
		_, _ = a.runner.Builder.Solve(a.ctx, def, client.SolveOpt{
			Exports:     []client.ExportEntry{{Type: client.ExporterImage, Attrs: a.attrs}},
			LocalMounts: a.job.mounts(), SharedKey: a.job.SharedKey, Session: a.runner.Session,
			AllowedEntitlements: a.job.Allowed, CompatibilityVersion: compatibilityVersion,
			Internal: true, // not a build of its own in the builder's history
		}, ignored)
	})
}

// stop ends what has not come to its end.
func (a *ahead) stop() {
	a.cancel()
	a.solves.Wait()
}
