package llb

import (
	"context"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	"github.com/opencontainers/go-digest"
	"google.golang.org/protobuf/proto"
)

// keyedByRoot returns an output of a step with a read-only root as that of a step whose cache key has the root's contents. By default
// BuildKit knows the root by its source alone: the first layers of a deps image would be another root than the base that they come from,
// and a builder that has built from scratch would run the step again. [llb.ContentCache] cannot be set for a root. A step that writes to its root stays as it is.
//
// A builder that does not know the setting ignores it, so the step does not require the capability.
func keyedByRoot(s llb.State) llb.State {
	return s.WithOutput(rootKeyedOutput{s.Output()})
}

type rootKeyedOutput struct{ llb.Output }

// Vertex implements llb.Output.
func (o rootKeyedOutput) Vertex(ctx context.Context, c *llb.Constraints) llb.Vertex {
	return rootKeyedVertex{o.Output.Vertex(ctx, c)}
}

// ToInput implements llb.Output. The index is that of the step as it was.
func (o rootKeyedOutput) ToInput(ctx context.Context, c *llb.Constraints) (*pb.Input, error) {
	in, err := o.Output.ToInput(ctx, c)
	if err != nil {
		return nil, err
	}
	dgst, _, _, _, err := o.Vertex(ctx, c).Marshal(ctx, c)
	if err != nil {
		return nil, err
	}
	return &pb.Input{Digest: string(dgst), Index: in.Index}, nil
}

type rootKeyedVertex struct{ llb.Vertex }

// Marshal implements llb.Vertex.
func (v rootKeyedVertex) Marshal(ctx context.Context, c *llb.Constraints) (digest.Digest, []byte, *pb.OpMetadata, []*llb.SourceLocation, error) {
	_, data, metadata, locations, err := v.Vertex.Marshal(ctx, c)
	if err != nil {
		return "", nil, nil, nil, err
	}
	var op pb.Op
	if err := proto.Unmarshal(data, &op); err != nil {
		return "", nil, nil, nil, err
	}
	for _, m := range op.GetExec().GetMounts() {
		if m.Dest == pb.RootMount && m.Readonly {
			m.ContentCache = pb.MountContentCache_ON
		}
	}
	if data, err = (proto.MarshalOptions{Deterministic: true}).Marshal(&op); err != nil {
		return "", nil, nil, nil, err
	}
	return digest.FromBytes(data), data, metadata, locations, nil
}
