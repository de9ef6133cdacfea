package sourcestep

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/moby/buildkit/client/llb"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/imagebuild"
	"github.com/rtbuild/rtbuild/tags"
)

// Step runs source steps in the builder.
type Step struct {
	Client   gateway.Client
	Self     llb.State         // the frontend's own image
	Program  string            // path of the frontend's program
	Platform ocispecs.Platform // of the builder, whatever the build is for
}

// Result is a source tree in the builder.
type Result struct {
	*tags.Tree                   // without entries
	State      llb.State         // the files to copy, at its root
	Digests    map[string]string // see Report
	report     gateway.Reference
}

// Tree hashes the source in state. If state holds other files, too, the result's State copies only the files of the source. BuildKit runs
// that step only if the build uses it.
func (s *Step) Tree(ctx context.Context, state llb.State, order Order) (*Result, error) {
	arg, err := json.Marshal(order)
	if err != nil {
		return nil, err
	}
	result := &Result{}
	report := s.run(HashCommand, "hash the source tree", state, arg, ReportDir)
	if result.report, err = imagebuild.Solve(ctx, s.Client, report, s.Platform, gateway.SolveRequest{}); err != nil {
		return nil, err
	}
	var got Report
	if err := result.read(ctx, ReportFile, &got); err != nil {
		return nil, err
	}
	if got.Error != "" {
		return nil, errors.New(got.Error)
	}
	result.Tree, result.State, result.Digests = got.Tree, state, got.Digests
	if !got.Exact {
		if arg, err = json.Marshal(Order{Source: order.Source}); err != nil {
			return nil, err
		}
		result.State = s.run(MaterializeCommand, "materialize the source tree", state, arg, TreeDir)
	}
	return result, nil
}

// run runs the frontend's program and returns the directory out that it writes. The program runs as root, who owns the context. No user is
// set: BuildKit v0.19 resolves even numeric ids through /etc/passwd, which the image lacks.
func (s *Step) run(command, title string, state llb.State, arg []byte, out string) llb.State {
	return s.Self.Run(
		llb.Args([]string{s.Program, command, string(arg)}),
		llb.Network(llb.NetModeNone),
		llb.AddMount(ContextDir, state, llb.Readonly),
		llb.Platform(s.Platform),
		llb.WithCustomName("[source] "+title),
	).AddMount(out, llb.Scratch())
}

// Paths returns the paths of the files and links to copy.
func (r *Result) Paths(ctx context.Context) (paths []string, err error) {
	err = r.read(ctx, PathsFile, &paths)
	return paths, err
}

func (r *Result) read(ctx context.Context, name string, into any) error {
	data, err := r.report.ReadFile(ctx, gateway.ReadRequest{Filename: name})
	if err != nil {
		return fmt.Errorf("reading the result of the source step: %w", err)
	}
	return json.Unmarshal(data, into)
}
