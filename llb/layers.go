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
	StageSource = "source"
	StageExtra  = "extra"
)

// Layer is one step of a stage. It adds exactly one layer to the image, so that a stage's length is its number of
// layers; its name is what the progress and the image's history show. A layer is listed first and drawn later.
type Layer struct {
	Stage string
	Name  string
	Field string // the field of runtime.yaml that asks for it

	// Endpoints are the addresses that the layer is fetched from, mirrors applied: what it downloads whole, else where it looks.
	Endpoints []string

	// Downloads are the files that it is made of.
	Downloads []Download

	// large says that the builder takes long to compress it. The client compresses it while later layers build.
	large bool

	// draw puts the layer on the image.
	draw func(at canvas, opts ...llb.ConstraintsOpt) llb.State
}

// canvas is where a layer is put.
type canvas struct {
	on    llb.State // all layers before it
	begin llb.State // all layers of the stages before its own: what is made beside the steps of its stage stands on it, and is merged
	start llb.State // the image that the build enters on
}

func (l Layer) fetching(urls ...string) Layer {
	l.Endpoints = append(slices.Clip(l.Endpoints), urls...)
	return l
}

// using adds a download.
func (l Layer) using(f file) Layer {
	l.Downloads = append(slices.Clip(l.Downloads), f.Download)
	return l.fetching(f.endpoints...)
}

// Layers are consecutive steps.
type Layers []Layer

// Downloads are the files that layers are made of, each once.
func (l Layers) Downloads() []Download {
	var all []Download
	for _, layer := range l {
		for _, d := range layer.Downloads {
			if !slices.Contains(all, d) {
				all = append(all, d)
			}
		}
	}
	return all
}

// upToTools is the number of layers of the stages system and tools.
func (l Layers) upToTools() int {
	n := 0
	for _, layer := range l {
		if layer.Stage == StageSystem || layer.Stage == StageTools {
			n++
		}
	}
	return n
}

// History is the layers' part of an image's history.
func (l Layers) History(created time.Time) []ocispecs.History {
	var history []ocispecs.History
	for _, layer := range l {
		history = append(history, ocispecs.History{
			Created:   &created,
			CreatedBy: "[" + layer.Stage + "] " + layer.Name,
			Comment:   "rtbuild",
		})
	}
	return history
}

// DrawOn puts layers on a state. What a layer's own step fails with points at the line that asks for it.
func (g *Graph) DrawOn(start llb.State, layers Layers) llb.State {
	at, stage := canvas{on: start, begin: start, start: start}, ""
	for _, layer := range layers {
		if layer.Stage != stage {
			at.begin, stage = at.on, layer.Stage
		}
		at.on = layer.draw(at, named(layer.Stage, layer.Name), g.location(layer.Field))
	}
	return at.on
}

// location is the place of a field in the file that the runtime was read from.
func (g *Graph) location(field string) llb.ConstraintsOpt {
	if g.SourceLocation == nil {
		return (*llb.SourceMap)(nil).Location(nil)
	}
	return g.SourceLocation(field)
}

// named gives a vertex the name that a person reads in the progress.
func named(stage, name string) llb.ConstraintsOpt {
	return llb.WithCustomName("[" + stage + "] " + name)
}

// merged draws a layer that is made on nothing, and merged without pulling what is below it.
func merged(upper func(at canvas) llb.State) func(canvas, ...llb.ConstraintsOpt) llb.State {
	return func(at canvas, opts ...llb.ConstraintsOpt) llb.State {
		return llb.Merge([]llb.State{at.on, upper(at)}, opts...)
	}
}
