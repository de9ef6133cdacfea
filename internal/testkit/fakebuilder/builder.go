// Package fakebuilder is a buildkitd's client for tests of code that runs solves on a builder. It decides nothing: each solve ends as a
// test says, and the test reads what was asked. Real builders are for the end-to-end tests.
package fakebuilder

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"

	controlapi "github.com/moby/buildkit/api/services/control"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/client/llb"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"google.golang.org/grpc"

	"github.com/rtbuild/rtbuild/internal/testkit/fakegateway"
)

// Builder answers as a *client.Client of BuildKit does.
type Builder struct {
	// Attempts are the answers to Build, in order. The last one answers all that follow.
	Attempts []Attempt

	// Gateway is what build functions are called with. Nil calls none.
	Gateway *fakegateway.Client

	// Export does what the builder's exporters do with the result of a build function, and returns the digest of each export for the
	// history. Nil exports nothing.
	Export func(ctx context.Context, opt client.SolveOpt, res *gateway.Result) (digests []string, err error)

	Workers []*client.WorkerInfo
	Err     error // of ListWorkers

	mu      sync.Mutex
	builds  []client.SolveOpt
	results []*gateway.Result
	digests []string // of the exports of the last build; nil is a builder without a history
	solves  []Solve
	closed  bool
}

// Attempt is how a Build ends.
type Attempt struct {
	Status  *client.SolveStatus                            // what is reported first
	During  func(ctx context.Context, opt client.SolveOpt) // is called while the build runs; may be nil
	Err     error                                          // of the solve, where the build function succeeds
	Late    func()                                         // is called when that error is on its way; may be nil
	Digests []string                                       // what the history says that each export made; nil is a builder without a history
	Answer  map[string]string                              // of all exports
}

// Solve is an export that was asked for beside a build.
type Solve struct {
	Title string // of its definition's last operation
	Opt   client.SolveOpt
}

// Build runs the build function and ends as the attempt says. As with BuildKit, an error of the function comes back as text.
func (b *Builder) Build(
	ctx context.Context, opt client.SolveOpt, _ string, run gateway.BuildFunc, status chan *client.SolveStatus,
) (*client.SolveResponse, error) {
	defer close(status)
	attempt := b.next(opt)
	if attempt.Status != nil {
		status <- attempt.Status
	}
	if attempt.During != nil {
		attempt.During(ctx, opt)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	res, err := b.run(ctx, run)
	if err != nil {
		return nil, errors.New("failed to solve: " + err.Error())
	}
	if attempt.Late != nil {
		attempt.Late()
	}
	if attempt.Err != nil {
		return nil, attempt.Err
	}
	if b.Export != nil {
		if b.digests, err = b.Export(ctx, opt, res); err != nil {
			return nil, err
		}
	}
	answer := map[string]string{} // the caller may change it
	maps.Copy(answer, attempt.Answer)
	return &client.SolveResponse{ExporterResponse: answer}, nil
}

// run calls the build function.
func (b *Builder) run(ctx context.Context, run gateway.BuildFunc) (*gateway.Result, error) {
	if b.Gateway == nil {
		return nil, nil
	}
	res, err := run(ctx, b.Gateway)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.results = append(b.results, res)
	return res, nil
}

func (b *Builder) next(opt client.SolveOpt) Attempt {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.builds = append(b.builds, opt)
	attempt := Attempt{}
	if n := min(len(b.builds), len(b.Attempts)); n > 0 {
		attempt = b.Attempts[n-1]
	}
	b.digests = attempt.Digests
	return attempt
}

// Solve notes what is exported beside a build.
func (b *Builder) Solve(_ context.Context, def *llb.Definition, opt client.SolveOpt, status chan *client.SolveStatus) (*client.SolveResponse, error) {
	defer close(status)
	vertices, err := fakegateway.Vertices(def.ToPB())
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.solves = append(b.solves, Solve{fakegateway.Solve{Vertices: vertices}.Title(), opt})
	return &client.SolveResponse{}, nil
}

// ListWorkers returns the workers.
func (b *Builder) ListWorkers(context.Context, ...client.ListWorkersOption) ([]*client.WorkerInfo, error) {
	return b.Workers, b.Err
}

// Close notes that the builder is no longer used.
func (b *Builder) Close() error {
	b.closed = true
	return nil
}

// ControlClient returns the builder's history, which holds the last build.
func (b *Builder) ControlClient() controlapi.ControlClient { return history{builder: b} }

// Builds returns what was asked of Build, in order.
func (b *Builder) Builds() []client.SolveOpt {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.builds)
}

// Results returns what build functions have returned, in order.
func (b *Builder) Results() []*gateway.Result {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.results)
}

// Solves returns what was exported beside builds.
func (b *Builder) Solves() []Solve {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.solves)
}

// Closed reports whether Close was called.
func (b *Builder) Closed() bool { return b.closed }

// history is the part of BuildKit's control interface that tells what a build made.
type history struct {
	controlapi.ControlClient // nil: what is not implemented here panics
	builder                  *Builder
}

// ListenBuildHistory implements controlapi.ControlClient.
func (h history) ListenBuildHistory(
	_ context.Context, req *controlapi.BuildHistoryRequest, _ ...grpc.CallOption,
) (grpc.ServerStreamingClient[controlapi.BuildHistoryEvent], error) {
	b := h.builder
	b.mu.Lock()
	defer b.mu.Unlock()
	last := b.builds[len(b.builds)-1]
	if b.digests == nil {
		return nil, errors.New("no history")
	}
	if last.Ref != req.Ref {
		return nil, fmt.Errorf("asked for build %s, and the last was %s", req.Ref, last.Ref)
	}
	results := map[int64]*controlapi.Descriptor{}
	for i, dgst := range b.digests {
		results[int64(i)] = &controlapi.Descriptor{Digest: dgst}
	}
	record := &controlapi.BuildHistoryRecord{Ref: req.Ref, Result: &controlapi.BuildResultInfo{Results: results}}
	return &events{all: []*controlapi.BuildHistoryEvent{{Record: record}}}, nil
}

// events are those of a history.
type events struct {
	grpc.ClientStream
	all []*controlapi.BuildHistoryEvent
}

// Recv implements grpc.ServerStreamingClient.
func (e *events) Recv() (*controlapi.BuildHistoryEvent, error) {
	if len(e.all) == 0 {
		return nil, io.EOF
	}
	next := e.all[0]
	e.all = e.all[1:]
	return next, nil
}
