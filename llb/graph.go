package llb

import (
	"time"

	"github.com/moby/buildkit/client/llb"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// Graph holds everything that the stages of a runtime need to be built for one platform.
//
// A build uses it in this order: list the layers ([Graph.UpTo], [Graph.Versioned] or [Graph.SourceLayers]), optionally fetch the files that
// they need ([Layers.Downloads]), and draw them ([Graph.Draw]).
type Graph struct {
	Runtime  *Runtime
	Platform ocispecs.Platform
	Distro   Distro     // of the base; only system and tools need it
	Base     ImageFacts // the entry image

	LockFiles llb.State  // the lock files under their paths in the context
	Source    llb.State  // the source tree under its paths in the context
	Built     *llb.State // what the build command made, under its paths in the code directory; nil: nothing
	Accounts  Accounts   // of the base; only system needs them
	Owner     Owner      // of dependencies and source
	Epoch     time.Time  // the time stamp of the files that source adds

	// Files are the downloads that the caller has fetched, by URL. Each state holds one file, under its name, with mode 0755. The builder
	// fetches all others, with its own trust store.
	Files map[string]llb.State

	Proxy     *llb.ProxyEnv // for every step; in no cache key
	Steps     []llb.RunOption
	NoCache   func(stage string) bool // reports whether to ignore the cache of a stage's steps; nil ignores none
	OldSource bool                    // rtbuild did not make the deps image, so it may hold an older source

	Compression string // of the source layer, as an export names it; empty: BuildKit's default

	Args map[string]string // values of [Runtime.Args]; they are in no image

	CacheNamespace string // prefixes the ids of cache mounts; usually empty

	// SourceLocation returns the position of a field of runtime.yaml ("packages", "tools.uv"). BuildKit shows it when a step that the field
	// causes fails. It is in no cache key. If it is nil, steps have no position.
	SourceLocation func(field string) llb.ConstraintsOpt
}

// ImageFacts describes the entry image.
type ImageFacts struct {
	Ref    string     // pinned by digest
	State  *llb.State // its files, if it is in no registry; else nil
	Config []byte     // its raw image config
	Layers int        // how many of its layers to keep, from the first; 0: all

	// PreferLocal lets the builder take the image from its own image store, if it has one, without asking a registry.
	PreferLocal bool

	PackageSources []string // the addresses of its package repositories
	NoInterpreter  bool     // its PATH holds no interpreter, even if its variables name one
}

// Owner is the numeric owner of the source. BuildKit would look names up in the image's /etc/passwd, and would pull the image for that.
type Owner struct{ UID, GID int }

// UpTo returns the layers from the base up to and including a stage: system, tools or deps. The error is a [FieldError] or a [DistroError]
// if the runtime cannot be built on this base.
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

// Versioned returns the layers of a deps image on top of an earlier one: it reuses system and tools, and runs the deps stage again.
func (g *Graph) Versioned() (Layers, error) {
	deps, err := g.deps()
	return append(g.removeOld(), deps...), err
}

// SourceLayers returns the layers of a source image on top of a deps image.
func (g *Graph) SourceLayers() Layers {
	return append(append(g.removeOld(), g.source()...), g.extra()...)
}

// Draw puts layers on the entry image.
func (g *Graph) Draw(layers Layers) (llb.State, error) {
	start, err := g.image()
	if err != nil {
		return start, err
	}
	return g.DrawOn(start, layers), nil
}

// Intermediates returns the states that a builder can compress while later layers build: the end of each stage but the last, and each batch
// of layers that take long to compress.
func (g *Graph) Intermediates(layers Layers) ([]llb.State, error) {
	start, err := g.image()
	if err != nil {
		return nil, err
	}
	var states, batch []llb.State
	i := 0
	g.walk(start, layers, func(layer Layer, at layerInput, drawn llb.State) {
		i++
		next := Layer{Stage: layer.Stage} // the last layer's stage does not end before the image
		if i < len(layers) {
			next = layers[i]
		}
		if layer.upper != nil && layer.batch != "" {
			if batch = append(batch, layer.upper(at)); next.batch != layer.batch {
				states, batch = append(states, together(batch)), nil
			}
		}
		if i < len(layers) && (layer.draw != nil && layer.batch != "" || next.Stage != layer.Stage) {
			states = append(states, drawn)
		}
	})
	return states, nil
}

// together returns one state with the layers of all.
func together(uppers []llb.State) llb.State {
	if len(uppers) == 1 {
		return uppers[0]
	}
	return llb.Merge(uppers, llb.WithCustomName("[internal] compress layers"))
}

// components returns the layers of components, in order.
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

// image returns the entry image with its config and the runtime's environment applied.
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

// Start returns the entry image as it is.
func (g *Graph) Start() llb.State {
	if g.Base.State != nil {
		return *g.Base.State
	}
	return g.entryImage(g.Base.Layers)
}

// entryImage returns the first n layers of the entry image; 0: all.
func (g *Graph) entryImage(n int) llb.State {
	opts := []llb.ImageOption{llb.Platform(g.Platform), named("base", g.Base.Ref), g.location("base")}
	if n > 0 {
		opts = append(opts, llb.WithLayerLimit(n))
	}
	if g.Base.PreferLocal {
		opts = append(opts, llb.ResolveModePreferLocal)
	}
	return llb.Image(g.Base.Ref, opts...)
}
