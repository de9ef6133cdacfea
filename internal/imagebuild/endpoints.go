package imagebuild

import (
	"context"

	gateway "github.com/moby/buildkit/frontend/gateway/client"

	"github.com/rtbuild/rtbuild/internal/redact"
	"github.com/rtbuild/rtbuild/llb"
)

// Endpoint is an address that a build fetches from, without credentials, and what it is for.
type Endpoint struct {
	Address string `json:"address"`
	For     string `json:"for"`
}

// Endpoints lists what a build from scratch fetches from, mirrors applied, in the order of its steps. Registries are not listed. It looks
// at the base image as the build does, because the base says where packages come from.
func Endpoints(ctx context.Context, c gateway.Client, req Request) ([]Endpoint, error) {
	b := &builder{client: c, req: req}
	if err := b.enter(ctx); err != nil {
		return nil, err
	}
	if err := b.inspectBase(ctx); err != nil {
		return nil, err
	}
	layers, err := b.graph.UpTo(llb.StageDeps)
	if err != nil {
		return nil, err
	}
	return endpoints(layers), nil
}

func endpoints(layers llb.Layers) []Endpoint {
	var all []Endpoint
	for _, layer := range layers {
		for _, address := range layer.Endpoints {
			all = append(all, Endpoint{redact.URL(address), "[" + layer.Stage + "] " + layer.Name})
		}
	}
	return all
}
