package llb

import (
	"time"

	"github.com/moby/buildkit/client/llb"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/profile"
)

// Graph is a runtime that is to be built for one platform, with all that its stages need from the world around.
type Graph struct {
	Runtime  *profile.Runtime
	Platform ocispecs.Platform
	Distro   Distro     // what the base is; needed by system and tools alone
	Base     ImageFacts // the image that the build enters on

	LockFiles llb.State // the lock files under their paths in the context
	Source    llb.State // the source tree under its paths in the context
	Accounts  Accounts  // of the base; needed by system alone
	Owner     Owner     // whom the runtime belongs to
	Epoch     time.Time // the time stamp of what source adds

	// Fetch gives a file by its address and checksum. Nil fetches in the builder, with the builder's trust store.
	Fetch func(Download) (llb.State, error)

	Proxy     *llb.ProxyEnv // for every step; in no cache key
	Steps     []llb.RunOption
	NoCache   func(stage string) bool // whether the steps of a stage run again; nil is no
	OldSource bool                    // the deps image is one that rtbuild did not make, and may hold an older source

	Compression string // of the source layer, as an export asks for it; empty is what BuildKit does unasked

	CacheNamespace string // keeps the caches of steps apart from those of other builds; usually empty

	// Where gives the place of a field of runtime.yaml ("packages", "tools.uv"), which the steps that it causes point at.
	// It is in no cache key. Nil is nowhere.
	Where func(field string) llb.ConstraintsOpt
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

// Scratch is the deps image from the base on.
func (g *Graph) Scratch() (llb.State, Layers, error) { return g.UpTo("deps") }

// UpTo is the image from the base on, up to and including a stage: system, tools or deps.
func (g *Graph) UpTo(stage string) (llb.State, Layers, error) {
	base, err := g.image()
	if err != nil {
		return base, nil, err
	}
	var layers Layers
	for _, s := range []struct {
		name  string
		build func() (Layers, error)
	}{{"system", g.system}, {"tools", g.tools}, {"deps", g.deps}} {
		more, err := s.build()
		if err != nil {
			return base, nil, err
		}
		if layers = append(layers, more...); s.name == stage {
			break
		}
	}
	return g.on(base, layers), layers, nil
}

// Below gives what the image from the base on is built up of: as it is at the end of each stage but the last of those that layers
// are of, and of each layer that is large.
func (g *Graph) Below(layers Layers) ([]llb.State, error) {
	base, err := g.image()
	if err != nil {
		return nil, err
	}
	var below []llb.State
	for i := 1; i < len(layers); i++ {
		if last := layers[i-1]; last.large || layers[i].Stage != last.Stage {
			below = append(below, g.on(base, layers[:i]))
		}
	}
	return below, nil
}

// Versioned is the deps image from an earlier one on: system and tools are reused, the deps stage runs anew.
func (g *Graph) Versioned() (llb.State, Layers, error) {
	start, err := g.image()
	if err != nil {
		return start, nil, err
	}
	deps, err := g.deps()
	layers := append(g.removeOld(), deps...)
	return g.on(start, layers), layers, err
}

// Lock is the source image on a deps image that is never pulled.
func (g *Graph) Lock() (llb.State, Layers, error) {
	deps, err := g.image()
	if err != nil {
		return deps, nil, err
	}
	state, layers := g.OnDeps(deps)
	return state, layers, nil
}

// OnDeps is the source image on a deps image that may still have to be built.
func (g *Graph) OnDeps(deps llb.State) (llb.State, Layers) {
	layers := append(g.removeOld(), g.source()...)
	layers = append(layers, g.extra()...)
	return g.on(deps, layers), layers
}

// ToolsLayers is the number of layers that system and tools add to the base.
func (g *Graph) ToolsLayers() (int, error) {
	layers, err := g.upToTools()
	return len(layers), err
}

func (g *Graph) upToTools() (Layers, error) {
	system, err := g.system()
	if err != nil {
		return nil, err
	}
	tools, err := g.tools()
	return append(system, tools...), err
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
	opts := []llb.ImageOption{llb.Platform(g.Platform), named("base", g.Base.Ref), g.where("base")}
	if g.Base.Layers > 0 {
		opts = append(opts, llb.WithLayerLimit(g.Base.Layers))
	}
	return llb.Image(g.Base.Ref, opts...)
}
