package imagebuild

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"

	bkllb "github.com/moby/buildkit/client/llb"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/llb"
	"github.com/rtbuild/rtbuild/tags"
)

// deps solves a deps image.
func (b *builder) deps(ctx context.Context) (*built, error) {
	if b.req.Variant == plan.Versioned {
		return b.versioned(ctx)
	}
	return b.scratch(ctx)
}

func (b *builder) scratch(ctx context.Context) (*built, error) {
	if err := b.inspectBase(ctx); err != nil {
		return nil, err
	}
	if err := b.warnTriggers(ctx); err != nil {
		return nil, err
	}
	layers, err := b.graph.UpTo(b.req.Stage)
	if err != nil {
		return nil, err
	}
	state, err := b.draw(layers)
	if err != nil {
		return nil, err
	}
	if err := b.tellStages(ctx, layers); err != nil {
		return nil, err
	}
	ref, err := b.solve(ctx, state, true)
	if err != nil {
		return nil, err
	}
	name, err := tags.FullName(b.req.Runtime.Base)
	if err != nil {
		return nil, err
	}
	img, err := b.graph.DepsConfig(layers, llb.DepsFacts{
		Stage: b.req.Stage, Owner: b.graph.Owner, Tools: b.req.Tools, DepsDigest: b.req.DepsDigest,
		BaseName: name, BaseDigest: b.digest,
	})
	return &built{state, ref, img}, err
}

// draw fetches the files that layers are made of and draws them.
func (b *builder) draw(layers llb.Layers) (bkllb.State, error) {
	if b.req.Fetch != nil {
		b.graph.Files = map[string]bkllb.State{}
		for _, file := range layers.Downloads() {
			state, err := b.req.Fetch(file)
			if err != nil {
				return bkllb.State{}, err
			}
			b.graph.Files[file.URL] = state
		}
	}
	return b.graph.Draw(layers)
}

// tellStages tells which stages the image consists of.
func (b *builder) tellStages(ctx context.Context, layers llb.Layers) error {
	if b.req.OnStageDefined == nil {
		return nil
	}
	stages, err := b.graph.Intermediates(layers)
	if err != nil {
		return err
	}
	for _, state := range stages {
		def, err := state.Marshal(ctx, bkllb.Platform(b.req.Platform))
		if err != nil {
			return err
		}
		b.req.OnStageDefined(def)
	}
	return nil
}

// versioned enters on the first layers of an earlier deps image. One that rtbuild did not make does not say how many of
// them are its system and tools: the build then stands on all of it, its old source removed.
func (b *builder) versioned(ctx context.Context) (*built, error) {
	b.takeOwner()
	if n, err := strconv.Atoi(b.start.Config.Labels[plan.LabelLayers]); err == nil {
		b.graph.Base.Layers = n
	}
	layers, err := b.graph.Versioned()
	if err != nil {
		return nil, err
	}
	state, err := b.draw(layers)
	if err != nil {
		return nil, err
	}
	ref, err := b.solve(ctx, state, true)
	if err != nil {
		return nil, err
	}
	img, err := b.graph.VersionedConfig(layers, b.graph.Owner, b.req.DepsDigest)
	b.graph.OldSource = false
	return &built{state, ref, img}, err
}

// standOn lets the source stand on a deps image that was built here and is published nowhere.
func (b *builder) standOn(deps *built) error {
	deps.image.RootFS.DiffIDs = nil
	b.start = deps.image
	config, err := json.Marshal(deps.image)
	if err != nil {
		return err
	}
	b.graph.Base = llb.ImageFacts{Config: config}
	return nil
}

// isCopied reports whether a label is copied to the manifest's annotations: ours, and those that we set of OCI's.
func isCopied(label string) bool {
	switch label {
	case ocispecs.AnnotationVersion, ocispecs.AnnotationBaseImageName, ocispecs.AnnotationBaseImageDigest:
		return true
	}
	return strings.HasPrefix(label, plan.LabelPrefix)
}
