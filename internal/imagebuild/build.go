package imagebuild

import (
	"context"
	"strings"

	bkllb "github.com/moby/buildkit/client/llb"
	gateway "github.com/moby/buildkit/frontend/gateway/client"

	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/llb"
	"github.com/rtbuild/rtbuild/tags"
	"github.com/rtbuild/rtbuild/tags/labels"
)

// buildImage solves the build image. It has system and tools of the base, or of the deps image that the build enters on.
func (b *builder) buildImage(ctx context.Context) (*Image, error) {
	layers, state, err := b.drawBuildImage(ctx)
	if err != nil {
		return nil, err
	}
	ref, err := b.solve(ctx, state, true)
	if err != nil {
		return nil, err
	}
	config, err := b.buildConfig(layers)
	if err != nil {
		return nil, err
	}
	config.Config.Labels[labels.Stage] = plan.StageBuild
	return b.image(ref, config, state)
}

func (b *builder) drawBuildImage(ctx context.Context) (layers llb.Layers, state bkllb.State, err error) {
	if b.req.Variant != plan.Scratch {
		return b.onTools(ctx, b.graph.BuildLayers)
	}
	if b.graph.Distro.ID == "" { // no deps image was made before
		if err := b.inspectBase(ctx); err != nil {
			return nil, state, err
		}
	}
	tools, err := b.graph.UpTo(llb.StageTools)
	if err != nil {
		return nil, state, err
	}
	more, err := b.graph.BuildLayers()
	if err != nil {
		return nil, state, err
	}
	layers = append(tools, more...)
	state, err = b.draw(layers)
	return layers, state, err
}

// buildConfig returns the config of a build image. Its labels are those of a deps image.
func (b *builder) buildConfig(layers llb.Layers) (*llb.Image, error) {
	if b.req.Variant != plan.Scratch {
		return b.graph.VersionedConfig(layers, b.graph.Owner, b.req.DepsDigest)
	}
	return b.scratchConfig(layers)
}

// runBuild runs the build command, if there is one, and adds what it made to the source. It runs at once: its failure in the exporter would
// look like one of the exporter.
func (b *builder) runBuild(ctx context.Context) error {
	if b.req.Runtime.Build == nil {
		return nil
	}
	entered := *b.graph // drawing the build image changes what the graph knows of the entry image
	image, err := b.buildRoot(ctx)
	if err != nil {
		return err
	}
	made := b.graph.BuildOutputs(image)
	*b.graph = entered
	ref, err := b.solve(ctx, made, true)
	if err != nil {
		return err
	}
	if err := b.checkOutputs(ctx, ref); err != nil {
		return err
	}
	b.graph.Built = &made
	return nil
}

// buildRoot returns the build image: the one that the request names, or one that this build makes.
func (b *builder) buildRoot(ctx context.Context) (bkllb.State, error) {
	if b.req.BuildImage.Ref == "" {
		_, state, err := b.drawBuildImage(ctx)
		return state, err
	}
	name, err := tags.FullName(b.req.BuildImage.Ref)
	if err != nil {
		return bkllb.State{}, err
	}
	opts := []bkllb.ImageOption{bkllb.Platform(b.req.Platform), bkllb.WithCustomName("[build] " + name)}
	if b.prefersLocal() {
		opts = append(opts, bkllb.ResolveModePreferLocal)
	}
	return bkllb.Image(name, opts...), nil
}

// checkOutputs returns an error unless the build command made something, and all that build.outputs names.
func (b *builder) checkOutputs(ctx context.Context, ref gateway.Reference) error {
	build, made := b.req.Runtime.Build, &files{ctx: ctx, ref: ref}
	var missing []string
	for _, output := range build.Outputs {
		if !made.hasOne([]string{"/" + output}) {
			missing = append(missing, output)
		}
	}
	empty := len(build.Outputs) == 0 && len(made.list("/")) == 0
	switch {
	case made.err != nil:
		return made.err
	case len(missing) > 0:
		return llb.FieldErrorf("build", "the build command made no %s: name what it makes under build.outputs, or leave outputs out to take all that it makes",
			strings.Join(missing, ", "))
	case empty:
		return llb.FieldErrorf("build", "the build command made no files, so the image would be the same without it: check what it writes and where, "+
			"or write build: none")
	}
	return nil
}
