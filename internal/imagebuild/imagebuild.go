// Package imagebuild is the build function: a request in, a solved image out, through BuildKit's gateway. The client runs it
// in its own process, a frontend image runs it inside buildkitd.
package imagebuild

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"time"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	bkllb "github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/llb"
	"github.com/rtbuild/rtbuild/tags"
)

// Request says what is built for one platform. A plan has been made before: the build function follows it.
type Request struct {
	Runtime    *llb.Runtime
	Platform   ocispecs.Platform
	Stage      string       // the image that is wanted: StageSystem, StageTools, plan.StageDeps or plan.StageSource
	Variant    plan.Variant // where the build enters
	Entry      EntryImage   // the image that it enters on
	Tree       string       // digest of everything that is copied
	Tools      string       // digest of what system and tools are made from
	DepsDigest string       // digest of what all up to deps is made from
	Epoch      *time.Time   // SOURCE_DATE_EPOCH; nil takes the time of the image that the build enters on

	LockFiles      bkllb.State
	Source         bkllb.State
	Fetch          func(llb.Download) (bkllb.State, error) // gives a file before the graph is drawn; nil: the builder fetches it
	Proxy          *bkllb.ProxyEnv
	Steps          []bkllb.RunOption
	NoCache        func(stage string) bool                 // see llb.Graph
	SourceLocation func(field string) bkllb.ConstraintsOpt // see llb.Graph
	Resolve        string                                  // image resolve mode; empty is the builder's default
	CacheNamespace string                                  // of cache mounts
	Compression    string                                  // see llb.Graph
	Imports        []gateway.CacheOptionsEntry             // caches of other builders
	OnStageDefined func(*bkllb.Definition)                 // is called for each stage of a deps image before it is made; may be nil

	Labels      map[string]string // for the source image
	Annotations map[string]string

	// ScanAll lets a bill of materials cover all of a source image, which pulls it; else it covers what the image lays over
	// its deps image, which has one of its own.
	ScanAll bool
}

// Stages whose image is no one's start: they are asked for by name alone.
const (
	StageSystem = "system"
	StageTools  = "tools"
)

// EntryImage is the image that a build enters on. Where its config is not known, the builder resolves it.
type EntryImage struct {
	Ref    string        // repository:tag, with the digest where it is known; only a name in messages if State is set
	Digest digest.Digest // empty if it is not known
	Config []byte        // its image config, raw; nil if it is not known
	State  *bkllb.State  // its files, if it is in no registry: the result of another build, or of a layout
}

// Image is an image for one platform as it was solved. Its layers may still be where they were.
type Image struct {
	Platform    ocispecs.Platform
	Ref         gateway.Reference
	Config      *llb.Image
	Base        []byte // config of the image that the build entered on
	Epoch       time.Time
	Annotations map[string]string
	Scan        bkllb.State // what a bill of materials covers
}

// Build solves a request.
func Build(ctx context.Context, c gateway.Client, req Request) (*Image, error) {
	if err := checkCaps(c.BuildOpts().LLBCaps); err != nil {
		return nil, err
	}
	b := &builder{client: c, req: req}
	if err := b.enter(ctx); err != nil {
		return nil, err
	}
	if req.Variant == plan.None {
		return b.existing(ctx)
	}
	if req.Variant == plan.Lock {
		return b.source(ctx, b.graph.Draw)
	}
	deps, err := b.deps(ctx)
	if err != nil {
		return nil, err
	}
	if req.Stage != plan.StageSource {
		return b.image(deps.ref, deps.image, deps.state)
	}
	if err := b.standOn(deps); err != nil {
		return nil, err
	}
	return b.source(ctx, func(layers llb.Layers) (bkllb.State, error) { return b.graph.DrawOn(deps.state, layers), nil })
}

// builder holds what is learned on the way.
type builder struct {
	client gateway.Client
	req    Request
	graph  *llb.Graph
	start  *llb.Image // config of the image that the build enters on
	base   []byte     // the same, raw, and never that of a deps image that was built here
	digest string     // and its digest
}

// built is a deps image that was built here.
type built struct {
	state bkllb.State
	ref   gateway.Reference
	image *llb.Image
}

// enter learns what the image is that the build enters on, which pins it, and sets up the graph.
func (b *builder) enter(ctx context.Context) error {
	req := b.req
	facts, err := b.facts(ctx)
	if err != nil {
		return err
	}
	if b.start, err = llb.ParseImage(facts.Config); err != nil {
		return err
	}
	b.base = facts.Config
	b.graph = &llb.Graph{
		Runtime: req.Runtime, Platform: req.Platform, Base: facts,
		LockFiles: req.LockFiles, Source: req.Source,
		Epoch: b.epoch(), Proxy: req.Proxy, Steps: req.Steps, NoCache: req.NoCache, SourceLocation: req.SourceLocation,
		CacheNamespace: req.CacheNamespace, Compression: req.Compression,
	}
	return b.checkPlatform()
}

// facts returns what the graph must know of the image that the build enters on. It is resolved unless its config is known.
func (b *builder) facts(ctx context.Context) (llb.ImageFacts, error) {
	e := b.req.Entry
	b.digest = e.Digest.String()
	if e.State != nil {
		return llb.ImageFacts{Ref: e.Ref, State: e.State, Config: e.Config}, nil
	}
	ref := e.Ref
	if e.Config == nil {
		var err error
		if ref, e.Config, err = b.resolve(ctx, e.Ref); err != nil {
			return llb.ImageFacts{}, err
		}
	}
	ref, err := pinned(ref, b.digest)
	return llb.ImageFacts{Ref: ref, Config: e.Config}, err
}

// resolve asks the builder for an image, and keeps its digest. The error is an *ImageError if there is none to be had.
func (b *builder) resolve(ctx context.Context, ref string) (name string, config []byte, err error) {
	if name, err = tags.FullName(ref); err != nil { // the builder takes the first part of a name for a registry, whatever it is
		return "", nil, err
	}
	name, dgst, config, err := b.client.ResolveImageConfig(ctx, name, sourceresolver.Opt{
		LogName:  fmt.Sprintf("[base] resolve %s", ref),
		ImageOpt: &sourceresolver.ResolveImageOpt{Platform: &b.req.Platform, ResolveMode: b.req.Resolve},
	})
	if err != nil {
		return "", nil, &ImageError{Ref: ref, Platform: platforms.Format(b.req.Platform), Err: err}
	}
	b.digest = dgst.String()
	return name, config, nil
}

// pinned adds a digest to a reference.
func pinned(ref, dgst string) (string, error) {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return "", err
	}
	if _, ok := named.(reference.Digested); ok || dgst == "" {
		return named.String(), nil
	}
	return reference.TagNameOnly(named).String() + "@" + dgst, nil
}

// epoch is the time stamp of what is added: an image says nothing of the day on which it was built, so that the same input
// gives the same image.
func (b *builder) epoch() time.Time {
	switch {
	case b.req.Epoch != nil:
		return b.req.Epoch.UTC()
	case b.start.Created != nil:
		return b.start.Created.UTC()
	}
	return time.Unix(0, 0).UTC()
}

func (b *builder) checkPlatform() error {
	has := platforms.Normalize(b.start.Platform)
	if has.OS == "" || platforms.OnlyStrict(b.req.Platform).Match(has) {
		return nil
	}
	return llb.FieldErrorf("base", "%s is for %s, but %s is wanted: choose another image or --platform %s",
		b.req.Entry.Ref, platforms.Format(has), platforms.Format(b.req.Platform), platforms.Format(has))
}

// source solves a source image, drawn on its deps image.
func (b *builder) source(ctx context.Context, draw func(llb.Layers) (bkllb.State, error)) (*Image, error) {
	b.takeOwner()
	layers := b.graph.SourceLayers()
	state, err := draw(layers)
	if err != nil {
		return nil, err
	}
	// An extra command is run here, not in the exporter, where its failure would be the exporter's.
	ref, err := b.solve(ctx, state, b.req.Runtime.Extra != "")
	if err != nil {
		return nil, err
	}
	img, err := b.graph.SourceConfig(layers, b.req.Tree, b.req.Labels)
	if err != nil {
		return nil, err
	}
	return b.image(ref, img, b.scan(state))
}

// existing gives the image that is there, as it is.
func (b *builder) existing(ctx context.Context) (*Image, error) {
	state := b.graph.Start()
	ref, err := b.solve(ctx, state, false)
	if err != nil {
		return nil, err
	}
	if b.req.Stage != plan.StageSource {
		return b.image(ref, b.start, state)
	}
	b.takeOwner()
	return b.image(ref, b.start, b.scan(state))
}

// scan is what the bill of materials of a source image covers: what the image lays over its deps image, made from the source
// itself, since to look at the image's own layer is to pull those below. An extra command has pulled them anyway.
func (b *builder) scan(image bkllb.State) bkllb.State {
	if b.req.ScanAll || b.req.Runtime.Extra != "" {
		return image
	}
	return b.graph.SourceTree()
}

// takeOwner reads who owns the source from the labels of the deps image; an image that rtbuild did not make has none, and
// holds an older source that has to go.
func (b *builder) takeOwner() {
	b.graph.Owner = llb.Owner{UID: b.req.Runtime.User.UID, GID: b.req.Runtime.User.GID}
	labels := b.start.Config.Labels
	if labels[plan.LabelStage] == "" {
		b.graph.OldSource = true
		return
	}
	if uid, err := strconv.Atoi(labels[plan.LabelUID]); err == nil {
		b.graph.Owner.UID = uid
	}
	if gid, err := strconv.Atoi(labels[plan.LabelGID]); err == nil {
		b.graph.Owner.GID = gid
	}
}

// Solve makes a state for a platform, by a request that says the rest. Unless the request evaluates it, it is made when
// somebody needs it.
func Solve(ctx context.Context, c gateway.Client, state bkllb.State, platform ocispecs.Platform, req gateway.SolveRequest) (gateway.Reference, error) {
	def, err := state.Marshal(ctx, bkllb.Platform(platform))
	if err != nil {
		return nil, err
	}
	req.Definition = def.ToPB()
	res, err := c.Solve(ctx, req)
	if err != nil {
		return nil, err
	}
	return res.SingleRef()
}

func (b *builder) solve(ctx context.Context, state bkllb.State, evaluate bool) (gateway.Reference, error) {
	return Solve(ctx, b.client, state, b.req.Platform, gateway.SolveRequest{Evaluate: evaluate, CacheImports: b.req.Imports})
}

// image puts together what was solved.
func (b *builder) image(ref gateway.Reference, config *llb.Image, scan bkllb.State) (*Image, error) {
	annotations := map[string]string{}
	for key, value := range config.Config.Labels {
		if isCopied(key) {
			annotations[key] = value
		}
	}
	maps.Copy(annotations, b.req.Annotations)
	return &Image{
		Platform: b.req.Platform, Ref: ref, Config: config, Base: b.base, Epoch: b.graph.Epoch,
		Annotations: annotations, Scan: scan,
	}, nil
}
