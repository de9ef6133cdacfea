// Package endpoints lists the addresses that a build from scratch contacts, with mirrors applied. A closed network must allow
// these addresses.
package endpoints

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"

	gateway "github.com/moby/buildkit/frontend/gateway/client"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/imagebuild"
	"github.com/rtbuild/rtbuild/internal/project"
	"github.com/rtbuild/rtbuild/internal/projectfile"
	"github.com/rtbuild/rtbuild/internal/publish"
	"github.com/rtbuild/rtbuild/tags"
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

// lockFileServer matches an address in a lock file up to the end of its host, without user and password. The rest of the address
// belongs to one package.
var lockFileServer = regexp.MustCompile(`["'= ](https?://)(?:[^/"' #@]*@)?((?:\[[0-9A-Fa-f:.]+\]|[\p{L}\p{N}._~-]+)(?::[0-9]+)?)/`)

// inLockFiles lists the servers in a project's lock files, with mirrors applied. A lock file without servers uses those of its
// package manager, which come from the step that runs it. The project's tags must have been computed.
func inLockFiles(p *project.Project) []imagebuild.Endpoint {
	var all []imagebuild.Endpoint
	for _, file := range tags.Paths(p.Tree.LockFiles) {
		if !strings.HasSuffix(file, ".lock") && !strings.HasSuffix(file, "-lock.json") && !strings.HasSuffix(file, ".txt") {
			continue // a manifest: no step contacts its addresses
		}
		data, err := projectfile.ReadFile(p.Files, file, projectfile.LockLimit)
		if err != nil {
			continue // it was removed after the tags were computed
		}
		for _, m := range lockFileServer.FindAllSubmatch(data, -1) {
			all = append(all, imagebuild.Endpoint{Address: p.Runtime.Mirrored(string(m[1]) + string(m[2])), For: file})
		}
	}
	return all
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
