// Package frontend is the build function: a request in, a solved image out, through BuildKit's gateway. The client runs it
// in its own process, a frontend image runs it inside buildkitd.
package frontend

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	commonexptypes "github.com/moby/buildkit/exporter/exptypes"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/internal/profile"
	rtllb "github.com/rtbuild/rtbuild/llb"
)

// Request says what is built. A plan has been made before: the build function follows it.
type Request struct {
	Runtime  *profile.Runtime
	Platform ocispecs.Platform
	Stage    string       // plan.StageDeps or plan.StageSource: the image that is wanted
	Variant  plan.Variant // where the build enters
	From     string       // the image it enters on; pinned by digest here if it is not yet
	Tree     string       // digest of everything that is copied
	Epoch    *time.Time   // SOURCE_DATE_EPOCH; nil takes the time of the image that the build enters on

	LockFiles llb.State
	Source    llb.State
	Fetch     func(rtllb.Download) (llb.State, error)
	Proxy     *llb.ProxyEnv
	Steps     []llb.RunOption
	NoCache   bool

	Labels      map[string]string // for the source image
	Annotations map[string]string
}

// Build solves a request. The result is one image for one platform, its config and annotations set.
func Build(ctx context.Context, c gateway.Client, req Request) (*gateway.Result, error) {
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
		return b.source(ctx, b.graph.Lock)
	}
	deps, err := b.deps(ctx)
	if err != nil {
		return nil, err
	}
	if req.Stage == plan.StageDeps {
		return b.result(deps.ref, deps.image)
	}
	if err := b.standOn(deps); err != nil {
		return nil, err
	}
	return b.source(ctx, func() (llb.State, rtllb.Layers, error) {
		state, layers := b.graph.OnDeps(deps.state)
		return state, layers, nil
	})
}

// builder holds what is learned on the way.
type builder struct {
	client gateway.Client
	req    Request
	graph  *rtllb.Graph
	start  *rtllb.Image // config of the image that the build enters on
	digest string       // and its digest
}

// built is a deps image that was built here.
type built struct {
	state llb.State
	ref   gateway.Reference
	image *rtllb.Image
}

// enter resolves the image that the build enters on, which pins it, and sets up the graph.
func (b *builder) enter(ctx context.Context) error {
	req := b.req
	ref, dgst, config, err := b.client.ResolveImageConfig(ctx, req.From, sourceresolver.Opt{
		LogName:  fmt.Sprintf("[base] resolve %s", req.From),
		ImageOpt: &sourceresolver.ResolveImageOpt{Platform: &req.Platform},
	})
	if err != nil {
		return &ImageError{Ref: req.From, Platform: platforms.Format(req.Platform), Err: err}
	}
	if b.start, err = rtllb.ParseImage(config); err != nil {
		return err
	}
	if ref, err = pinned(ref, dgst.String()); err != nil {
		return err
	}
	b.digest = dgst.String()
	b.graph = &rtllb.Graph{
		Runtime: req.Runtime, Platform: req.Platform,
		Base:      rtllb.ImageFacts{Ref: ref, Config: config},
		LockFiles: req.LockFiles, Source: req.Source,
		Epoch: b.epoch(), Fetch: req.Fetch, Proxy: req.Proxy, Steps: req.Steps, NoCache: req.NoCache,
	}
	return b.checkPlatform()
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
	return fmt.Errorf("%s is for %s, but %s is wanted: choose another image or --platform %s",
		b.req.From, platforms.Format(has), platforms.Format(b.req.Platform), platforms.Format(has))
}

// source solves a source image.
func (b *builder) source(ctx context.Context, graph func() (llb.State, rtllb.Layers, error)) (*gateway.Result, error) {
	b.takeOwner()
	state, layers, err := graph()
	if err != nil {
		return nil, err
	}
	ref, err := b.solve(ctx, state, false)
	if err != nil {
		return nil, err
	}
	img, err := b.graph.SourceConfig(layers, b.req.Tree, b.req.Labels)
	if err != nil {
		return nil, err
	}
	return b.result(ref, img)
}

// existing gives the image that is there, as it is, to be exported elsewhere.
func (b *builder) existing(ctx context.Context) (*gateway.Result, error) {
	ref, err := b.solve(ctx, llb.Image(b.graph.Base.Ref, llb.Platform(b.req.Platform)), false)
	if err != nil {
		return nil, err
	}
	return b.result(ref, b.start)
}

// takeOwner reads who owns the source from the labels of the deps image; an image that rtbuild did not make has none, and
// holds an older source that has to go.
func (b *builder) takeOwner() {
	b.graph.Owner = rtllb.Owner{UID: b.req.Runtime.User.UID, GID: b.req.Runtime.User.GID}
	labels := b.start.Config.Labels
	if labels[plan.LabelStage] == "" {
		b.graph.OldFiles = b.oldFiles()
		return
	}
	if uid, err := strconv.Atoi(labels[plan.LabelUID]); err == nil {
		b.graph.Owner.UID = uid
	}
	if gid, err := strconv.Atoi(labels[plan.LabelGID]); err == nil {
		b.graph.Owner.GID = gid
	}
}

// oldFiles are the directories of the image in which an older source may lie.
func (b *builder) oldFiles() []string {
	var dirs []string
	for _, source := range b.req.Runtime.Source {
		if source.Path == "." {
			return []string{b.req.Runtime.Code()}
		}
		dirs = append(dirs, b.req.Runtime.Code()+"/"+source.Path)
	}
	return dirs
}

func (b *builder) solve(ctx context.Context, state llb.State, evaluate bool) (gateway.Reference, error) {
	def, err := state.Marshal(ctx, llb.Platform(b.req.Platform))
	if err != nil {
		return nil, err
	}
	res, err := b.client.Solve(ctx, gateway.SolveRequest{Definition: def.ToPB(), Evaluate: evaluate})
	if err != nil {
		return nil, err
	}
	return res.SingleRef()
}

func (b *builder) result(ref gateway.Reference, img *rtllb.Image) (*gateway.Result, error) {
	config, err := json.Marshal(img)
	if err != nil {
		return nil, err
	}
	res := gateway.NewResult()
	res.SetRef(ref)
	res.AddMeta(exptypes.ExporterImageConfigKey, config)
	res.AddMeta(commonexptypes.ExporterEpochKey, []byte(strconv.FormatInt(b.graph.Epoch.Unix(), 10)))
	for key, value := range img.Config.Labels {
		if isCopied(key) {
			res.AddMeta(exptypes.AnnotationManifestKey(nil, key), []byte(value))
		}
	}
	for key, value := range b.req.Annotations {
		res.AddMeta(exptypes.AnnotationManifestKey(nil, key), []byte(value))
	}
	return res, nil
}
