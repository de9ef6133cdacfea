// Package imagebuild builds the image of one platform through BuildKit's gateway: it takes a plan and returns a solved image. The client
// runs it in its own process, and a frontend image runs it inside buildkitd.
package imagebuild

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	bkllb "github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/llb"
	"github.com/rtbuild/rtbuild/tags"
	"github.com/rtbuild/rtbuild/tags/labels"
)

// Request describes the image of one platform to build. The caller has already chosen the variant.
type Request struct {
	Runtime    *llb.Runtime
	Platform   ocispecs.Platform
	Stage      string       // the stage whose image to build: llb.StageSystem, StageTools, StageDeps, StageBuild or StageSource
	Variant    plan.Variant // at which stage the build starts
	Entry      EntryImage   // the image that it starts from
	BuildImage EntryImage   // the build image; if it has no reference, a build command runs on one that this build makes
	Tree       string       // digest of the source
	Tools      string       // digest of the inputs of system and tools
	DepsDigest string       // digest of the inputs of system, tools and deps
	Epoch      *time.Time   // SOURCE_DATE_EPOCH; nil: the creation time of the entry image

	LockFiles      bkllb.State
	Source         bkllb.State
	Fetch          func(llb.Download) (bkllb.State, error) // fetches a file for the builder; nil: the builder fetches all files
	Proxy          *bkllb.ProxyEnv
	Steps          []bkllb.RunOption
	NoCache        func(stage string) bool                 // see llb.Graph
	SourceLocation func(field string) bkllb.ConstraintsOpt // see llb.Graph
	Resolve        string                                  // image resolve mode: local, pull or default; empty: the builder's default
	CacheNamespace string                                  // see llb.Graph
	Compression    string                                  // see llb.Graph
	Imports        []gateway.CacheOptionsEntry             // imported caches
	OnStageDefined func(*bkllb.Definition)                 // receives the end of each stage of a deps image before the build; may be nil

	NoTest       bool // skip the runtime's tests
	TestExisting bool // run them on a source image that exists, too

	Args        map[string]string // build arguments; those that the runtime does not name have no effect
	Labels      map[string]string // for the source image
	Annotations map[string]string

	// ScanAll makes an SBOM cover a whole source image, which the builder must pull for that. Otherwise the SBOM covers only what the image
	// adds to its deps image, which has an SBOM of its own.
	ScanAll bool
}

// EntryImage is the image that a build starts from. If Config is nil, the builder resolves the image.
type EntryImage struct {
	Ref    string        // repository:tag, with the digest if it is known; if State is set, only a name for messages
	Digest digest.Digest // empty: unknown
	Config []byte        // raw image config; nil: unknown
	State  *bkllb.State  // its files, if it is in no registry: the result of another build or an OCI layout
}

// Image is the solved image of one platform. The builder may not have made or pulled its layers yet.
type Image struct {
	Platform    ocispecs.Platform
	Ref         gateway.Reference
	Config      *llb.Image
	Base        []byte // config of the entry image
	Epoch       time.Time
	Annotations map[string]string
	Scan        bkllb.State // the files that an SBOM covers
}

// Build solves the image that req describes.
//
// The error is a [*TooOldError] if the builder lacks capabilities, an [*ImageError] if it cannot resolve the entry image, an
// *llb.FieldError if a field of the runtime file causes it, or an *llb.DistroError if the base has no known package manager. The
// gateway's errors, such as that of a failed step, are returned as they are.
func Build(ctx context.Context, c gateway.Client, req Request) (*Image, error) {
	if err := CheckCaps(c.BuildOpts().LLBCaps); err != nil {
		return nil, err
	}
	b := &builder{client: c, req: req}
	if err := b.inspectEntry(ctx); err != nil {
		return nil, err
	}
	switch {
	case req.Variant == plan.None:
		return b.existing(ctx)
	case req.Stage == plan.StageBuild:
		return b.buildImage(ctx)
	case req.Variant == plan.Lock:
		b.readOwner()
		if err := b.runBuild(ctx); err != nil {
			return nil, err
		}
		return b.source(ctx, b.graph.Draw)
	}
	deps, err := b.deps(ctx)
	if err != nil {
		return nil, err
	}
	if req.Stage != plan.StageSource {
		return b.image(deps.ref, deps.image, deps.state)
	}
	if err := b.runBuild(ctx); err != nil {
		return nil, err
	}
	if err := b.enterOn(deps); err != nil {
		return nil, err
	}
	b.readOwner()
	return b.source(ctx, func(layers llb.Layers) (bkllb.State, error) { return b.graph.DrawOn(deps.state, layers), nil })
}

// builder is one call of [Build] and what it has learned so far.
type builder struct {
	client    gateway.Client
	req       Request
	graph     *llb.Graph
	entry     *llb.Image // config of the entry image
	rawConfig []byte     // config of the request's entry image, raw
	digest    string     // digest of the request's entry image
}

// built is a deps image of this build.
type built struct {
	state bkllb.State
	ref   gateway.Reference
	image *llb.Image
}

// inspectEntry resolves the entry image, which pins its digest, and sets up the graph.
func (b *builder) inspectEntry(ctx context.Context) error {
	req := b.req
	facts, err := b.entryFacts(ctx)
	if err != nil {
		return err
	}
	if b.entry, err = llb.ParseImage(facts.Config); err != nil {
		return err
	}
	b.rawConfig = facts.Config
	b.graph = &llb.Graph{
		Runtime: req.Runtime, Platform: req.Platform, Base: facts,
		LockFiles: req.LockFiles, Source: req.Source,
		Epoch: b.epoch(), Proxy: req.Proxy, Steps: req.Steps, NoCache: req.NoCache, SourceLocation: req.SourceLocation,
		CacheNamespace: req.CacheNamespace, Compression: req.Compression, Args: req.args(),
	}
	return b.checkPlatform()
}

// args returns the build arguments that the runtime names.
func (r *Request) args() map[string]string {
	named := maps.Clone(r.Args)
	maps.DeleteFunc(named, func(name, _ string) bool { return !slices.Contains(r.Runtime.Args, name) })
	return named
}

// entryFacts returns what the graph must know of the entry image. It resolves the image if its config is unknown.
func (b *builder) entryFacts(ctx context.Context) (llb.ImageFacts, error) {
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
	return llb.ImageFacts{Ref: ref, Config: e.Config, PreferLocal: b.prefersLocal()}, err
}

// prefersLocal reports whether images may come from the builder's own image store without asking a registry.
func (b *builder) prefersLocal() bool { return b.req.Resolve == pb.AttrImageResolveModePreferLocal }

// resolve asks the builder for an image, and records its digest. The error is an [*ImageError] if there is no such image or it cannot be
// read.
func (b *builder) resolve(ctx context.Context, ref string) (name string, config []byte, err error) {
	if name, err = tags.FullName(ref); err != nil { // the builder treats the first component of a name as a registry, whatever it is
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

// pinned returns a reference with a digest.
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

// epoch returns the time stamp of new files and of the config. It does not depend on the day of the build, so equal inputs give equal
// images.
func (b *builder) epoch() time.Time {
	switch {
	case b.req.Epoch != nil:
		return b.req.Epoch.UTC()
	case b.entry.Created != nil:
		return b.entry.Created.UTC()
	}
	return time.Unix(0, 0).UTC()
}

func (b *builder) checkPlatform() error {
	has := platforms.Normalize(b.entry.Platform)
	if has.OS == "" || platforms.OnlyStrict(b.req.Platform).Match(has) {
		return nil
	}
	return llb.FieldErrorf("base", "%s is for %s, but the build is for %s: choose another image or --platform %s",
		b.req.Entry.Ref, platforms.Format(has), platforms.Format(b.req.Platform), platforms.Format(has))
}

// source solves a source image. draw puts its layers on the deps image.
func (b *builder) source(ctx context.Context, draw func(llb.Layers) (bkllb.State, error)) (*Image, error) {
	layers := b.graph.SourceLayers()
	state, err := draw(layers)
	if err != nil {
		return nil, err
	}
	// Run an extra command now. In the exporter, its failure would look like one of the exporter.
	ref, err := b.solve(ctx, state, b.req.Runtime.Extra != "")
	if err != nil {
		return nil, err
	}
	img, err := b.graph.SourceConfig(layers, b.req.Tree, b.req.Labels)
	if err != nil {
		return nil, err
	}
	if err := b.test(ctx, state, ref, img); err != nil {
		return nil, err
	}
	if b.req.NoTest && len(b.req.Runtime.Tests) > 0 {
		img.Config.Labels[labels.Untested] = "true"
	}
	return b.image(ref, img, b.scan(state))
}

// existing returns the entry image unchanged.
func (b *builder) existing(ctx context.Context) (*Image, error) {
	state := b.graph.Start()
	ref, err := b.solve(ctx, state, false)
	if err != nil {
		return nil, err
	}
	if b.req.Stage != plan.StageSource {
		return b.image(ref, b.entry, state)
	}
	if b.req.TestExisting {
		if state, err = b.graph.Draw(nil); err == nil {
			err = b.test(ctx, state, ref, b.entry)
		}
		if err != nil {
			return nil, err
		}
	}
	b.readOwner()
	return b.image(ref, b.entry, b.scan(state))
}

// scan returns the files that the SBOM of a source image covers. That is what the image adds to its deps image, made from the source,
// because reading the image's own layer would pull the layers below. An extra command has pulled them anyway.
func (b *builder) scan(image bkllb.State) bkllb.State {
	if b.req.ScanAll || b.req.Runtime.Extra != "" {
		return image
	}
	return b.graph.SourceTree()
}

// readOwner reads the owner of the source from the labels of the deps image. An image that rtbuild did not make has no labels, and may hold
// an older source that must be removed.
func (b *builder) readOwner() {
	b.graph.Owner = llb.Owner{UID: b.req.Runtime.User.UID, GID: b.req.Runtime.User.GID}
	of := b.entry.Config.Labels
	if of[labels.Stage] == "" {
		b.graph.OldSource = true
		return
	}
	if uid, err := strconv.Atoi(of[labels.UID]); err == nil {
		b.graph.Owner.UID = uid
	}
	if gid, err := strconv.Atoi(of[labels.GID]); err == nil {
		b.graph.Owner.GID = gid
	}
}

// Solve solves a state for a platform. req holds the other fields of the request. Unless req.Evaluate is set, the builder makes the result
// only when something needs it.
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

// image returns the result of the build.
func (b *builder) image(ref gateway.Reference, config *llb.Image, scan bkllb.State) (*Image, error) {
	annotations := map[string]string{}
	for key, value := range config.Config.Labels {
		if isCopied(key) {
			annotations[key] = value
		}
	}
	maps.Copy(annotations, b.req.Annotations)
	return &Image{
		Platform: b.req.Platform, Ref: ref, Config: config, Base: b.rawConfig, Epoch: b.graph.Epoch,
		Annotations: annotations, Scan: scan,
	}, nil
}
