package collect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/moby/buildkit/client/llb"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/tags"
)

// Step collects in the builder.
type Step struct {
	Client   gateway.Client
	Self     llb.State         // the frontend's own image
	Program  string            // its program's path
	Platform ocispecs.Platform // what it runs on, whatever is built
}

// Collected is a source tree in the builder.
type Collected struct {
	*tags.Tree           // without entries
	State      llb.State // what is copied, at its root
	report     gateway.Reference
}

// Tree hashes and lays out a source that lies in state.
func (s *Step) Tree(ctx context.Context, state llb.State, src tags.Source) (*Collected, error) {
	arg, err := json.Marshal(src)
	if err != nil {
		return nil, err
	}
	run := s.Self.Run(
		llb.Args([]string{s.Program, Command, string(arg)}),
		llb.User("0"), // the context belongs to root, whatever the image says
		llb.Network(llb.NetModeNone),
		llb.AddMount(ContextDir, state, llb.Readonly),
		llb.Platform(s.Platform),
		llb.WithCustomName("[source] hash and collect the source tree"),
	)
	out := run.AddMount(ReportDir, llb.Scratch())
	c := &Collected{State: run.AddMount(TreeDir, llb.Scratch())}
	if c.report, err = s.solve(ctx, out); err != nil {
		return nil, err
	}
	var report Report
	if err := c.read(ctx, ReportFile, &report); err != nil {
		return nil, err
	}
	if report.Error != "" {
		return nil, errors.New(report.Error)
	}
	c.Tree = report.Tree
	return c, nil
}

// Paths are the files and links that are copied.
func (c *Collected) Paths(ctx context.Context) (paths []string, err error) {
	err = c.read(ctx, PathsFile, &paths)
	return paths, err
}

func (c *Collected) read(ctx context.Context, name string, into any) error {
	data, err := c.report.ReadFile(ctx, gateway.ReadRequest{Filename: name})
	if err != nil {
		return fmt.Errorf("reading what was collected: %w", err)
	}
	return json.Unmarshal(data, into)
}

func (s *Step) solve(ctx context.Context, state llb.State) (gateway.Reference, error) {
	def, err := state.Marshal(ctx, llb.Platform(s.Platform))
	if err != nil {
		return nil, err
	}
	res, err := s.Client.Solve(ctx, gateway.SolveRequest{Definition: def.ToPB()})
	if err != nil {
		return nil, err
	}
	return res.SingleRef()
}
