package imagebuild

import (
	"context"

	gateway "github.com/moby/buildkit/frontend/gateway/client"

	"github.com/rtbuild/rtbuild/internal/redact"
	"github.com/rtbuild/rtbuild/llb"
)

// Endpoint is an address that a build fetches from, without credentials, and the layer that it is for.
type Endpoint struct {
	Address string `json:"address"`
	For     string `json:"for"`
}

// Endpoints returns the addresses that a build from scratch fetches from, after mirrors, in the order of its steps. Registries are not
// included. It reads the base image, which configures package repositories. Its errors are those of [Build].
func Endpoints(ctx context.Context, c gateway.Client, req Request) ([]Endpoint, error) {
	b := &builder{client: c, req: req}
	if err := b.inspectEntry(ctx); err != nil {
		return nil, err
	}
	if err := b.inspectBase(ctx); err != nil {
		return nil, err
	}
	layers, err := b.graph.UpTo(llb.StageDeps)
	if err != nil {
		return nil, err
	}
	if req.Runtime.Build != nil || len(req.Runtime.BuildPackages) > 0 {
		build, err := b.graph.BuildLayers()
		if err != nil {
			return nil, err
		}
		layers = append(layers, build...)
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
