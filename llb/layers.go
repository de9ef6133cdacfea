package llb

import (
	"slices"
	"time"

	"github.com/moby/buildkit/client/llb"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// The stages of an image, in order.
const (
	StageSystem = "system"
	StageTools  = "tools"
	StageDeps   = "deps"
	StageBuild  = "build" // of the build image, and of the build command
	StageSource = "source"
	StageExtra  = "extra"
	StageTest   = "test" // of the finished image; it adds nothing
)

// Layer is one step of a stage. It adds exactly one layer to the image, so the length of a stage is its number of layers. The progress and
// the image's history show its name. Layers are listed first and drawn later.
type Layer struct {
	Stage string
	Name  string
	Field string // the field of runtime.yaml that asks for it

	// Endpoints are the addresses that the layer fetches from, after mirrors: the URL of a download, or the index that an installer asks.
	Endpoints []string

	// Downloads are the files that the layer is made of.
	Downloads []Download

	// batch marks a layer that takes long to compress. The client compresses it while later layers build: the layers of one batch together,
	// as soon as all of them are there.
	batch string

	// draw puts the layer on the image. A layer has either draw or upper.
	draw func(at layerInput, opts ...llb.ConstraintsOpt) llb.State

	// upper returns the layer's files alone, on scratch. They are merged over the layers below, which the builder need not pull for that.
	upper func(at layerInput) llb.State
}

// layerInput holds the states that a layer may build on.
type layerInput struct {
	below      llb.State // all layers before it
	stageStart llb.State // all layers of earlier stages; a layer that is merged may build on it, in parallel with its own stage
	entry      llb.State // the entry image
	reuses     bool      // the entry image has the layers of system and tools
	stage      string    // of the layer

	drawn map[string][]llb.State // the outputs of steps that several layers come from
}

// once draws a step that several layers come from. The name must be the step's own.
func (at layerInput) once(name string, draw func() []llb.State) []llb.State {
	if _, done := at.drawn[name]; !done {
		at.drawn[name] = draw()
	}
	return at.drawn[name]
}

// withEndpoints returns the layer with further addresses that it fetches from.
func (l Layer) withEndpoints(urls ...string) Layer {
	l.Endpoints = append(slices.Clip(l.Endpoints), urls...)
	return l
}

// withDownload returns the layer with a further file that it is made of.
func (l Layer) withDownload(f file) Layer {
	l.Downloads = append(slices.Clip(l.Downloads), f.Download)
	return l.withEndpoints(f.endpoints...)
}

// Layers are consecutive layers of an image.
type Layers []Layer

// Downloads returns the files that the layers are made of, each address once.
func (l Layers) Downloads() []Download {
	var all []Download
	for _, layer := range l {
		for _, d := range layer.Downloads {
			if !slices.ContainsFunc(all, func(known Download) bool { return known.URL == d.URL }) {
				all = append(all, d)
			}
		}
	}
	return all
}

// countSystemAndTools returns the number of layers of the stages system and tools.
func (l Layers) countSystemAndTools() int {
	n := 0
	for _, layer := range l {
		if layer.Stage == StageSystem || layer.Stage == StageTools {
			n++
		}
	}
	return n
}

// History returns the entries that the layers add to an image's history.
func (l Layers) History(created time.Time) []ocispecs.History {
	var history []ocispecs.History
	for _, layer := range l {
		history = append(history, ocispecs.History{
			Created:   &created,
			CreatedBy: "[" + layer.Stage + "] " + layer.Name,
			Comment:   comment,
		})
	}
	return history
}

// comment marks the history of a layer that rtbuild made.
const comment = "rtbuild"

// DrawOn puts layers on a state. A failing step points at the line of runtime.yaml that causes it.
func (g *Graph) DrawOn(start llb.State, layers Layers) llb.State {
	result := start
	g.walk(start, layers, func(_ Layer, _ layerInput, drawn llb.State) { result = drawn })
	return result
}

// walk draws layers one on the other. It calls f for each, with what the layer builds on and with the image up to it.
func (g *Graph) walk(start llb.State, layers Layers, f func(layer Layer, at layerInput, drawn llb.State)) {
	var again []llb.ConstraintsOpt // of merges from the first stage without cache on: its layers are new under old cache keys
	at, stage := layerInput{below: start, stageStart: start, entry: start, reuses: layers.countSystemAndTools() == 0, drawn: map[string][]llb.State{}}, ""
	for _, layer := range layers {
		if layer.Stage != stage {
			at.stageStart, at.stage, stage = at.below, layer.Stage, layer.Stage
			again = append(again, g.uncached(stage)...)
		}
		drawn := layer.on(at, again, named(layer.Stage, layer.Name), g.location(layer.Field))
		f(layer, at, drawn)
		at.below = drawn
	}
}

// uncached returns what makes the builder ignore the cache of a vertex, if the cache of the stage is to be ignored.
func (g *Graph) uncached(stage string) []llb.ConstraintsOpt {
	if g.NoCache == nil || !g.NoCache(stage) {
		return nil
	}
	return []llb.ConstraintsOpt{llb.IgnoreCache}
}

// on puts the layer on the layers below. Only merges get the options of merged.
func (l Layer) on(at layerInput, merged []llb.ConstraintsOpt, opts ...llb.ConstraintsOpt) llb.State {
	if l.upper != nil {
		return llb.Merge([]llb.State{at.below, l.upper(at)}, append(opts, merged...)...)
	}
	return l.draw(at, opts...)
}

// location returns the position of a field in the file that the runtime was read from.
func (g *Graph) location(field string) llb.ConstraintsOpt {
	if g.SourceLocation == nil {
		return (*llb.SourceMap)(nil).Location(nil)
	}
	return g.SourceLocation(field)
}

// named gives a vertex the name that the progress shows.
func named(stage, name string) llb.ConstraintsOpt {
	return llb.WithCustomName("[" + stage + "] " + name)
}
