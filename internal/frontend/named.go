package frontend

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/distribution/reference"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/containerd/platforms"

	"github.com/rtbuild/rtbuild/internal/imagebuild"
)

// Names of contexts that hold images.
const (
	baseContext = "base" // replaces the base image
	depsContext = "deps" // the deps image to build on
)

// specOf returns the value of a context. As in dockerui, a value for the platform comes first.
func specOf(ui *dockerui.Client, name string, platform ocispecs.Platform) string {
	opts := ui.BuildOpts().Opts
	if spec, ok := opts["context:"+name+"::"+platforms.FormatAll(platforms.Normalize(platform))]; ok {
		return spec
	}
	return opts["context:"+name]
}

// named returns the image of a context, or nil if there is no such context. For an image in a registry, it returns only the reference. For
// any other image, it returns state and config.
//
// dockerui can load such images, too, but it drops their creation time, which is the time stamp of the files that rtbuild adds.
func named(ctx context.Context, ui *dockerui.Client, name string, platform ocispecs.Platform) (*imagebuild.EntryImage, error) {
	spec := specOf(ui, name, platform)
	kind, rest, _ := strings.Cut(spec, ":")
	switch kind {
	case "":
		return nil, nil
	case "docker-image":
		return &imagebuild.EntryImage{Ref: strings.TrimPrefix(rest, "//")}, nil
	case "oci-layout", "input":
	default:
		return nil, fmt.Errorf("context %s=%s is not an image: use docker-image://REF, oci-layout://DIR or target:NAME", name, spec)
	}
	var dgst digest.Digest
	nc, err := ui.NamedContext(name, dockerui.ContextOpt{Platform: &platform, CaptureDigest: &dgst})
	if err != nil {
		return nil, err
	}
	state, _, err := nc.Load(ctx)
	if err != nil {
		return nil, fmt.Errorf("loading context %s: %w", name, err)
	}
	entry := &imagebuild.EntryImage{State: state, Digest: dgst}
	if kind == "input" {
		entry.Config, err = inputConfig(ui, rest)
	} else {
		entry.Config, err = layoutConfig(ctx, ui, name, rest, platform)
	}
	if err != nil {
		return nil, err
	}
	return entry, nil
}

// inputConfig returns the image config of another target's result.
func inputConfig(ui *dockerui.Client, name string) ([]byte, error) {
	var meta map[string][]byte
	if text := ui.BuildOpts().Opts["input-metadata:"+name]; text != "" {
		if err := json.Unmarshal([]byte(text), &meta); err != nil {
			return nil, fmt.Errorf("reading the metadata of %s: %w", name, err)
		}
	}
	config := meta[exptypes.ExporterImageConfigKey]
	if config == nil {
		return nil, fmt.Errorf("target %s produces no image", name)
	}
	return config, nil
}

// layoutConfig returns the image config of an image in an OCI layout of the client.
func layoutConfig(ctx context.Context, ui *dockerui.Client, name, spec string, platform ocispecs.Platform) ([]byte, error) {
	ref, err := reference.Parse(strings.TrimPrefix(spec, "//"))
	if err != nil {
		return nil, err
	}
	store, ok := ref.(reference.Canonical)
	if !ok {
		return nil, fmt.Errorf("context %s=oci-layout:%s has no digest: append @DIGEST", name, spec)
	}
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return nil, err
	}
	dummy, err := reference.WithDigest(named, store.Digest())
	if err != nil {
		return nil, err
	}
	_, _, config, err := ui.GatewayClient().ResolveImageConfig(ctx, dummy.String(), sourceresolver.Opt{
		LogName: "[base] resolve the image of context " + name,
		OCILayoutOpt: &sourceresolver.ResolveOCILayoutOpt{
			Platform: &platform,
			Store:    sourceresolver.ResolveImageConfigOptStore{SessionID: ui.BuildOpts().SessionID, StoreID: store.Name()},
		},
	})
	return config, err
}
