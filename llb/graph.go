package llb

import (
	"time"

	"github.com/moby/buildkit/client/llb"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// Graph is a runtime that is to be built for one platform, with all that its stages need from the world around. A build enters a graph
// in one of three ways. It lists the layers that are to be made ([Graph.UpTo], [Graph.Versioned], [Graph.SourceLayers]), may fetch the
// files that they are made of ([Layers.Downloads]), and draws them ([Graph.Draw]).
type Graph struct {
	Runtime  *Runtime
	Platform ocispecs.Platform
	Distro   Distro     // what the base is; needed by system and tools alone
	Base     ImageFacts // the image that the build enters on

	LockFiles llb.State // the lock files under their paths in the context
	Source    llb.State // the source tree under its paths in the context
	Accounts  Accounts  // of the base; needed by system alone
	Owner     Owner     // whom the runtime belongs to
	Epoch     time.Time // the time stamp of what source adds

	// Files are downloads that are at hand, by their addresses: each state holds one, under its name, mode 0755. The builder fetches all
	// others, with its own trust store.
	Files map[string]llb.State

	Proxy     *llb.ProxyEnv // for every step; in no cache key
	Steps     []llb.RunOption
	NoCache   func(stage string) bool // whether the steps of a stage run again; nil is no
	OldSource bool                    // the deps image is one that rtbuild did not make, and may hold an older source

	Compression string // of the source layer, as an export asks for it; empty is what BuildKit does unasked

	CacheNamespace string // keeps the caches of steps apart from those of other builds; usually empty

	// SourceLocation gives the place of a field of runtime.yaml ("packages", "tools.uv"), which the steps that it causes point at.
	// It is in no cache key. Nil is nowhere.
	SourceLocation func(field string) llb.ConstraintsOpt
}

// ImageFacts is what is known of the image that a build enters on.
type ImageFacts struct {
	Ref    string     // pinned by digest
	State  *llb.State // the image itself, where it is in no registry; else nil
	Config []byte     // its raw image config
	Layers int        // enter on its first n layers; 0 is all

	PackageSources []string // the addresses that its package manager installs from
	NoInterpreter  bool     // it has no interpreter on its PATH, whatever its variables say
}

// Owner is the numeric owner of the source. Names would have to be looked up in the image's passwd, which would pull it.
type Owner struct{ UID, GID int }

// UpTo lists the layers from the base on, up to and including a stage: system, tools or deps. A [FieldError] says what cannot be built.
func (g *Graph) UpTo(stage string) (Layers, error) {
	var layers Layers
	for _, s := range []struct {
		name string
		list func() (Layers, error)
	}{{StageSystem, g.system}, {StageTools, g.tools}, {StageDeps, g.deps}} {
		more, err := s.list()
		if err != nil {
			return nil, err
		}
		if layers = append(layers, more...); s.name == stage {
			break
		}
	}
	return layers, nil
}

// Versioned lists the layers of a deps image on an earlier one: system and tools are reused, the deps stage runs anew.
func (g *Graph) Versioned() (Layers, error) {
	deps, err := g.deps()
	return append(g.removeOld(), deps...), err
}

// SourceLayers lists the layers of a source image on a deps image.
func (g *Graph) SourceLayers() Layers {
	return append(append(g.removeOld(), g.source()...), g.extra()...)
}

// Draw puts layers on the image that the build enters on.
func (g *Graph) Draw(layers Layers) (llb.State, error) {
	start, err := g.image()
	if err != nil {
		return start, err
	}
	return g.DrawOn(start, layers), nil
}

// Below gives what an image is built up of: as it is at the end of each stage but the last of those that layers are of, and of each layer
// that is large.
func (g *Graph) Below(layers Layers) ([]llb.State, error) {
	start, err := g.image()
	if err != nil {
		return nil, err
	}
	var below []llb.State
	for i := 1; i < len(layers); i++ {
		if last := layers[i-1]; last.large || layers[i].Stage != last.Stage {
			below = append(below, g.DrawOn(start, layers[:i]))
		}
	}
	return below, nil
}

// components lists the layers of components.
func (g *Graph) components(list []Component) (Layers, error) {
	var layers Layers
	for _, c := range list {
		more, err := c.layers(g)
		if err != nil {
			return nil, err
		}
		layers = append(layers, more...)
	}
	return layers, nil
}

// image is the image that the build enters on, with its config and our environment applied.
func (g *Graph) image() (llb.State, error) {
	state, err := g.Start().WithImageConfig(g.Base.Config)
	if err != nil {
		return state, err
	}
	for _, kv := range g.Env() {
		state = state.AddEnv(kv.Name, kv.Value)
	}
	return state.Platform(g.Platform).User("root").Dir("/"), nil
}

// Start is the bare image that the build enters on.
func (g *Graph) Start() llb.State {
	if g.Base.State != nil {
		return *g.Base.State
	}
	opts := []llb.ImageOption{llb.Platform(g.Platform), named("base", g.Base.Ref), g.location("base")}
	if g.Base.Layers > 0 {
		opts = append(opts, llb.WithLayerLimit(g.Base.Layers))
	}
	return llb.Image(g.Base.Ref, opts...)
}
