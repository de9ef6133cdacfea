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

// Names of contexts that an image may be given by.
const (
	baseContext = "base" // in place of the base image
	depsContext = "deps" // the deps image that the source is to stand on
)

// specOf is the text of a context: by platform if there is one, as dockerui looks it up.
func specOf(ui *dockerui.Client, name string, platform ocispecs.Platform) string {
	opts := ui.BuildOpts().Opts
	if spec, ok := opts["context:"+name+"::"+platforms.FormatAll(platforms.Normalize(platform))]; ok {
		return spec
	}
	return opts["context:"+name]
}

// named returns the image that a context stands for, and nil if there is no such context. Of an image in a registry it gives the
// reference alone; of any other the state and the config.
//
// dockerui would load it too, but keeps back when an image was made, which the time stamps of what we add are taken from.
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
		return nil, fmt.Errorf("context %s=%s is no image: give docker-image://REF, oci-layout://DIR or target:NAME", name, spec)
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

// inputConfig is the config of another target's result.
func inputConfig(ui *dockerui.Client, name string) ([]byte, error) {
	var meta map[string][]byte
	if text := ui.BuildOpts().Opts["input-metadata:"+name]; text != "" {
		if err := json.Unmarshal([]byte(text), &meta); err != nil {
			return nil, fmt.Errorf("reading the metadata of %s: %w", name, err)
		}
	}
	config := meta[exptypes.ExporterImageConfigKey]
	if config == nil {
		return nil, fmt.Errorf("target %s gives no image", name)
	}
	return config, nil
}

// layoutConfig is the config of an image in an OCI layout of the user's.
func layoutConfig(ctx context.Context, ui *dockerui.Client, name, spec string, platform ocispecs.Platform) ([]byte, error) {
	ref, err := reference.Parse(strings.TrimPrefix(spec, "//"))
	if err != nil {
		return nil, err
	}
	store, ok := ref.(reference.Canonical)
	if !ok {
		return nil, fmt.Errorf("context %s=oci-layout:%s has no digest: write it behind @", name, spec)
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
