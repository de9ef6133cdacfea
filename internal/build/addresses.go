package build

import (
	"context"

	gateway "github.com/moby/buildkit/frontend/gateway/client"

	"github.com/rtbuild/rtbuild/internal/redact"
	"github.com/rtbuild/rtbuild/llb"
)

// Contact is an address that a build fetches from, without credentials, and what for.
type Contact struct {
	Address string `json:"address"`
	For     string `json:"for"`
}

// Contacts gives what a build from scratch fetches from, mirrors applied, in the order of its steps. It looks at the base as the
// build does: where packages come from is written there. Registries are not among them.
func Contacts(ctx context.Context, c gateway.Client, req Request) ([]Contact, error) {
	b := &builder{client: c, req: req}
	if err := b.enter(ctx); err != nil {
		return nil, err
	}
	if err := b.inspectBase(ctx); err != nil {
		return nil, err
	}
	_, layers, err := b.graph.Scratch()
	if err != nil {
		return nil, err
	}
	return contacts(layers), nil
}

func contacts(layers llb.Layers) []Contact {
	var all []Contact
	for _, layer := range layers {
		for _, address := range layer.Contacts {
			all = append(all, Contact{redact.URL(address), "[" + layer.Stage + "] " + layer.Name})
		}
	}
	return all
}
