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
	all, err := LayersOf(ctx, c, req)
	if err != nil {
		return nil, err
	}
	return endpoints(append(all.Deps, all.Build...)), nil
}

// ImageLayers are the layers that a build from scratch makes, in their order.
type ImageLayers struct {
	Deps   llb.Layers // of the deps image: system, tools, deps
	Build  llb.Layers // of the build image, on system and tools; empty if there is no build command
	Source llb.Layers // of the source image, on the deps image
}

// LayersOf returns the layers of a runtime. It reads the base image, because that decides some of them. Its errors are those of [Build].
func LayersOf(ctx context.Context, c gateway.Client, req Request) (all ImageLayers, err error) {
	b := &builder{client: c, req: req}
	if err := b.inspectEntry(ctx); err != nil {
		return all, err
	}
	if err := b.inspectBase(ctx); err != nil {
		return all, err
	}
	if all.Deps, err = b.graph.UpTo(llb.StageDeps); err != nil {
		return all, err
	}
	if req.Runtime.Build != nil || len(req.Runtime.BuildPackages) > 0 {
		all.Build, err = b.graph.BuildLayers()
	}
	all.Source = b.graph.SourceLayers()
	return all, err
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
