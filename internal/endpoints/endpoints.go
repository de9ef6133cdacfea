// Package endpoints lists the addresses that a build from scratch contacts, with mirrors applied. A closed network must allow
// these addresses.
package endpoints

import (
	"context"
	"maps"
	"slices"

	gateway "github.com/moby/buildkit/frontend/gateway/client"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/imagebuild"
	"github.com/rtbuild/rtbuild/internal/publish"
)

// Use is an address and what it is used for.
type Use struct {
	Address string   `json:"address"`
	For     []string `json:"for"`
}

// List returns the addresses that a build for these platforms contacts, sorted: the registries of the base and of the images, the
// servers of the steps, and the servers in lock files. It inspects the base image on the builder, and builds nothing. Its
// errors are those of [publish.Inspect].
func List(ctx context.Context, b publish.Build, platforms []ocispecs.Platform) ([]Use, error) {
	all, err := ofRegistries(b)
	if err != nil {
		return nil, err
	}
	err = publish.Inspect(ctx, b, platforms, func(ctx context.Context, c gateway.Client, req imagebuild.Request) error {
		found, err := imagebuild.Endpoints(ctx, c, req)
		all = append(all, found...)
		return err
	})
	if err != nil {
		return nil, err
	}
	return group(append(all, inLockFiles(b.Project)...)), nil
}

func ofRegistries(b publish.Build) ([]imagebuild.Endpoint, error) {
	var all []imagebuild.Endpoint
	for _, image := range []struct{ ref, what string }{{b.Project.Runtime.Base, "the base image"}, {b.Destination.Repository, "the images"}} {
		addresses, err := b.Destination.Registry.Addresses(image.ref)
		if err != nil {
			return nil, err
		}
		for _, address := range addresses {
			all = append(all, imagebuild.Endpoint{Address: address, For: image.what})
		}
	}
	return all, nil
}

// group lists each address once, sorted.
func group(all []imagebuild.Endpoint) []Use {
	uses := map[string][]string{}
	for _, e := range all {
		if !slices.Contains(uses[e.Address], e.For) {
			uses[e.Address] = append(uses[e.Address], e.For)
		}
	}
	grouped := []Use{}
	for _, address := range slices.Sorted(maps.Keys(uses)) {
		grouped = append(grouped, Use{address, uses[address]})
	}
	return grouped
}
