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
	"github.com/rtbuild/rtbuild/tags/labels"
)

// deps solves a deps image, or the image of an earlier stage.
func (b *builder) deps(ctx context.Context) (*built, error) {
	if b.req.Variant == plan.Versioned {
		return b.versioned(ctx)
	}
	return b.scratch(ctx)
}

// scratch solves the image from the base on.
func (b *builder) scratch(ctx context.Context) (*built, error) {
	if err := b.inspectBase(ctx); err != nil {
		return nil, err
	}
	if err := b.warnOfBase(ctx); err != nil {
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
	if err := b.reportStages(ctx, layers); err != nil {
		return nil, err
	}
	ref, err := b.solve(ctx, state, true)
	if err != nil {
		return nil, err
	}
	img, err := b.scratchConfig(layers)
	return &built{state, ref, img}, err
}

// scratchConfig returns the config of an image that was built from the base.
func (b *builder) scratchConfig(layers llb.Layers) (*llb.Image, error) {
	name, err := tags.FullName(b.req.Runtime.Base)
	if err != nil {
		return nil, err
	}
	return b.graph.DepsConfig(layers, llb.DepsFacts{
		Stage: b.req.Stage, Owner: b.graph.Owner, Tools: b.req.Tools, DepsDigest: b.req.DepsDigest,
		BaseName: name, BaseDigest: b.digest,
	})
}

// draw fetches the files that the layers need, and draws them.
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

// reportStages passes the states below the image to OnStageDefined.
func (b *builder) reportStages(ctx context.Context, layers llb.Layers) error {
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

// versioned solves a deps image on the system and tools layers of an earlier one. An image that rtbuild did not make has no label with
// their number. The build then keeps all of its layers, and removes the old source.
func (b *builder) versioned(ctx context.Context) (*built, error) {
	layers, state, err := b.onTools(ctx, b.graph.Versioned)
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

// onTools draws layers on the first layers of the entry image, those up to and including tools. If packages are installed for the build, it
// reads the distribution, for which the builder pulls these layers.
func (b *builder) onTools(ctx context.Context, list func() (llb.Layers, error)) (llb.Layers, bkllb.State, error) {
	b.readOwner()
	if n, err := strconv.Atoi(b.entry.Config.Labels[labels.ToolsLayers]); err == nil {
		b.graph.Base.Layers = n
	}
	if len(b.req.Runtime.BuildPackages) > 0 {
		image, err := b.readSystem(ctx)
		if err == nil && image.err != nil {
			err = llb.FieldErrorf("build.packages", "reading %s: %w", b.req.Entry.Ref, image.err)
		}
		if err != nil {
			return nil, bkllb.State{}, err
		}
	}
	layers, err := list()
	if err != nil {
		return nil, bkllb.State{}, err
	}
	state, err := b.draw(layers)
	return layers, state, err
}

// enterOn makes a deps image of this build the entry image of the source. It is in no registry.
func (b *builder) enterOn(deps *built) error {
	deps.image.RootFS.DiffIDs = nil
	b.entry = deps.image
	config, err := json.Marshal(deps.image)
	if err != nil {
		return err
	}
	b.graph.Base = llb.ImageFacts{Config: config}
	return nil
}

// isCopied reports whether a label becomes a manifest annotation: rtbuild's labels, and the OCI labels that rtbuild sets.
func isCopied(label string) bool {
	switch label {
	case ocispecs.AnnotationVersion, ocispecs.AnnotationBaseImageName, ocispecs.AnnotationBaseImageDigest:
		return true
	}
	return strings.HasPrefix(label, labels.Prefix)
}
