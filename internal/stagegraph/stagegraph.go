// Package stagegraph draws how an image is made: its layers by stage, which of them a build would run, and which an image has
// already.
package stagegraph

import (
	"context"
	"slices"
	"strconv"

	gateway "github.com/moby/buildkit/frontend/gateway/client"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/imagebuild"
	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/internal/planning"
	"github.com/rtbuild/rtbuild/internal/publish"
	"github.com/rtbuild/rtbuild/llb"
)

// State says what a build does with a layer.
type State string

// The states.
const (
	Runs   State = "runs"   // the build makes it
	Exists State = "exists" // an image has it already
)

// Node is a layer, an image or a test.
type Node struct {
	ID    string `json:"id"`
	Stage string `json:"stage"`
	Name  string `json:"name"`
	State State  `json:"state"`
}

// Edge says that one node is made from another. Both are ids.
type Edge struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// Graph is how the image of one platform is made.
type Graph struct {
	Platform string `json:"platform"`
	Variant  string `json:"variant"`
	Reason   string `json:"reason"`
	Nodes    []Node `json:"nodes"`
	Edges    []Edge `json:"edges"`
}

// List returns the graph of each platform of a plan. It inspects the base image on the builder, and builds nothing. Its errors are
// those of [publish.Inspect].
func List(ctx context.Context, b publish.Build, made *planning.Result) ([]Graph, error) {
	var all []Graph
	var platforms []ocispecs.Platform
	for _, p := range made.Platforms {
		platforms = append(platforms, p.Platform)
	}
	next := 0
	err := publish.Inspect(ctx, b, platforms, func(ctx context.Context, c gateway.Client, req imagebuild.Request) error {
		layers, err := imagebuild.LayersOf(ctx, c, req)
		if err != nil {
			return err
		}
		all = append(all, draw(made.Platforms[next], b.Project.Runtime.Base, layers, req.Runtime))
		next++
		return nil
	})
	return all, err
}

// drawing is a Graph that is being drawn.
type drawing struct {
	Graph
	runs func(stage string) bool
}

// draw returns the graph of an image that a plan is for.
func draw(p planning.PlatformPlan, base string, layers imagebuild.ImageLayers, runtime *llb.Runtime) Graph {
	d := &drawing{Graph: Graph{Platform: p.Name(), Variant: string(p.Variant), Reason: p.Reason}, runs: runsIn(p)}
	start := d.add("base", base)
	// Tools are unpacked beside system, so that both are made at once. Deps needs both.
	below := slices.Concat(d.chain(of(layers.Deps, llb.StageSystem), start), d.chain(of(layers.Deps, llb.StageTools), start))
	if below = slices.Compact(below); len(below) > 1 {
		below = slices.DeleteFunc(below, func(id string) bool { return id == start })
	}
	parts := d.chain(of(layers.Deps, llb.StageDeps), below...)
	if runtime.Build != nil {
		run := d.add(llb.StageSource, runtime.Build.Title(), d.chain(layers.Build, below...)...)
		parts = append(parts, run)
	}
	image := d.chain(layers.Source, parts...)
	for _, t := range runtime.Tests {
		d.add("test", t.Title(), image...)
	}
	return d.Graph
}

// of returns the layers of a stage.
func of(layers llb.Layers, stage string) llb.Layers {
	return slices.DeleteFunc(slices.Clone(layers), func(l llb.Layer) bool { return l.Stage != stage })
}

// chain adds layers that are made one on the other, the first one on what is below. It returns the last one, or what is below if
// there are no layers.
func (d *drawing) chain(layers llb.Layers, below ...string) []string {
	for _, layer := range layers {
		below = []string{d.add(layer.Stage, layer.Name, below...)}
	}
	return below
}

// add adds a node on others, and returns its id.
func (d *drawing) add(stage, name string, below ...string) string {
	node := Node{ID: "n" + strconv.Itoa(len(d.Nodes)), Stage: stage, Name: name, State: Exists}
	if d.runs(stage) {
		node.State = Runs
	}
	d.Nodes = append(d.Nodes, node)
	for _, id := range below {
		d.Edges = append(d.Edges, Edge{From: id, To: node.ID})
	}
	return node.ID
}

// runsIn returns which stages a plan runs. The build command runs with the source; the stage build is that of the build image.
func runsIn(p planning.PlatformPlan) func(stage string) bool {
	return func(stage string) bool {
		switch stage {
		case "base":
			return false
		case llb.StageSystem, llb.StageTools:
			return p.Variant == plan.Scratch
		case llb.StageDeps:
			return p.BuildsDeps()
		case llb.StageBuild:
			return len(p.Publish) > 0 && p.Exists["build"] == plan.Absent
		}
		return p.Variant != plan.None
	}
}
