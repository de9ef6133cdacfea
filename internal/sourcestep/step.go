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

// Step collects in the builder.
type Step struct {
	Client   gateway.Client
	Self     llb.State         // the frontend's own image
	Program  string            // its program's path
	Platform ocispecs.Platform // what it runs on, whatever is built
}

// Result is a source tree in the builder.
type Result struct {
	*tags.Tree                   // without entries
	State      llb.State         // what is copied, at its root
	Digests    map[string]string // as in Report
	report     gateway.Reference
}

// Tree hashes a source that lies in state. What is copied is materialized only where a build needs it and the state holds more
// than that.
func (s *Step) Tree(ctx context.Context, state llb.State, order Order) (*Result, error) {
	arg, err := json.Marshal(order)
	if err != nil {
		return nil, err
	}
	c := &Result{}
	report := s.run(HashCommand, "hash the source tree", state, arg, ReportDir)
	if c.report, err = imagebuild.Solve(ctx, s.Client, report, s.Platform, gateway.SolveRequest{}); err != nil {
		return nil, err
	}
	var said Report
	if err := c.read(ctx, ReportFile, &said); err != nil {
		return nil, err
	}
	if said.Error != "" {
		return nil, errors.New(said.Error)
	}
	c.Tree, c.State, c.Digests = said.Tree, state, said.Digests
	if !said.Exact {
		if arg, err = json.Marshal(Order{Source: order.Source}); err != nil {
			return nil, err
		}
		c.State = s.run(MaterializeCommand, "materialize the source tree", state, arg, TreeDir)
	}
	return c, nil
}

// run is a step of the frontend's program, by what it leaves in a directory. It runs as root, to whom the context belongs: that
// is said by naming no user, since v0.19 looks a user up, also by number, in files that the image has not.
func (s *Step) run(command, title string, state llb.State, arg []byte, out string) llb.State {
	return s.Self.Run(
		llb.Args([]string{s.Program, command, string(arg)}),
		llb.Network(llb.NetModeNone),
		llb.AddMount(ContextDir, state, llb.Readonly),
		llb.Platform(s.Platform),
		llb.WithCustomName("[source] "+title),
	).AddMount(out, llb.Scratch())
}

// Paths are the files and links that are copied.
func (c *Result) Paths(ctx context.Context) (paths []string, err error) {
	err = c.read(ctx, PathsFile, &paths)
	return paths, err
}

func (c *Result) read(ctx context.Context, name string, into any) error {
	data, err := c.report.ReadFile(ctx, gateway.ReadRequest{Filename: name})
	if err != nil {
		return fmt.Errorf("reading what was collected: %w", err)
	}
	return json.Unmarshal(data, into)
}
