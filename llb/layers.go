package llb

import (
	"slices"
	"time"

	"github.com/moby/buildkit/client/llb"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// Layer is one step of a stage. It adds exactly one layer to the image, so that a stage's length is its number of
// layers; its name is what the progress and the image's history show.
type Layer struct {
	Stage string // system, tools, deps, source or extra
	Name  string
	Field string // the field of runtime.yaml that asks for it

	// Contacts are the addresses that the layer is fetched from, mirrors applied: what it downloads whole, else where it looks.
	Contacts []string

	// large says that it takes the builder long to compress: it is worth to begin while the next ones are made.
	large bool

	// add puts the layer on a state. What is made beside the other steps of its stage stands on the state that the stage began
	// with, and is merged.
	add func(on, begin llb.State, opts ...llb.ConstraintsOpt) llb.State
}

func (l Layer) contacting(urls ...string) Layer {
	l.Contacts = append(slices.Clip(l.Contacts), urls...)
	return l
}

// Layers are consecutive steps.
type Layers []Layer

// on puts layers on a state. What a layer's own step fails with points at the line that asks for it.
func (g *Graph) on(state llb.State, layers Layers) llb.State {
	begin, stage := state, ""
	for _, layer := range layers {
		if layer.Stage != stage {
			begin, stage = state, layer.Stage
		}
		state = layer.add(state, begin, named(layer.Stage, layer.Name), g.where(layer.Field))
	}
	return state
}

// where is the place of a field in the file that the runtime was read from.
func (g *Graph) where(field string) llb.ConstraintsOpt {
	if g.Where == nil {
		return (*llb.SourceMap)(nil).Location(nil)
	}
	return g.Where(field)
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

// named gives a vertex the name that a person reads in the progress.
func named(stage, name string) llb.ConstraintsOpt {
	return llb.WithCustomName("[" + stage + "] " + name)
}

// merge lays a state that stands on nothing over another, without pulling either.
func merge(upper llb.State) func(_, _ llb.State, _ ...llb.ConstraintsOpt) llb.State {
	return func(lower, _ llb.State, opts ...llb.ConstraintsOpt) llb.State {
		return llb.Merge([]llb.State{lower, upper}, opts...)
	}
}
