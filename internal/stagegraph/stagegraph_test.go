package stagegraph

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/containerd/platforms"
	"github.com/google/go-cmp/cmp"

	"github.com/rtbuild/rtbuild/internal/imagebuild"
	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/internal/planning"
	"github.com/rtbuild/rtbuild/llb"
)

// layers of a project with everything, and their graphs.
var (
	whole = imagebuild.ImageLayers{
		Deps: llb.Layers{
			{Stage: llb.StageSystem, Name: "packages"}, {Stage: llb.StageSystem, Name: "user"}, {Stage: llb.StageTools, Name: "node"},
			{Stage: llb.StageDeps, Name: `npm "ci"`},
		},
		Build:  llb.Layers{{Stage: llb.StageBuild, Name: "npm ci, all"}},
		Source: llb.Layers{{Stage: llb.StageSource, Name: "copy"}},
	}
	built = &llb.Runtime{Build: &llb.Build{Run: []string{"make"}}, Tests: []llb.Test{{Run: []string{"node", "--version"}}}}
)

func planned(variant plan.Variant, exists plan.State, publish ...string) planning.PlatformPlan {
	return planning.PlatformPlan{Platform: platforms.MustParse("linux/amd64"), Plan: &plan.Plan{
		Variant: variant, Reason: "because", Exists: map[string]plan.State{"build": exists}, Publish: publish,
	}}
}

func TestDraw(t *testing.T) {
	const all = "n0>n1 n1>n2 n0>n3 n2>n4 n3>n4 n2>n5 n3>n5 n5>n6 n4>n7 n6>n7 n7>n8"
	for _, tt := range []struct {
		name    string
		plan    planning.PlatformPlan
		layers  imagebuild.ImageLayers
		runtime *llb.Runtime
		runs    string // names of the nodes that run
		edges   string
	}{
		{"scratch", planned(plan.Scratch, plan.Absent, "x"), whole, built, `packages, user, node, npm "ci", npm ci, all, make, copy, node --version`, all},
		{"versioned", planned(plan.Versioned, plan.Fresh, "x"), whole, built, `npm "ci", make, copy, node --version`, all},
		{"lock", planned(plan.Lock, plan.Fresh, "x"), whole, built, "make, copy, node --version", all},
		{"none", planned(plan.None, plan.Absent), whole, built, "", all},
		{"nothing but source", planned(plan.Scratch, plan.Absent, "x"), imagebuild.ImageLayers{Source: whole.Source}, &llb.Runtime{}, "copy", "n0>n1"},
		{"no tools", planned(plan.Scratch, plan.Absent, "x"), imagebuild.ImageLayers{Deps: whole.Deps[:2], Source: whole.Source}, &llb.Runtime{}, "packages, user, copy", "n0>n1 n1>n2 n2>n3"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := draw(tt.plan, "debian", tt.layers, tt.runtime)
			var runs, edges []string
			for _, n := range g.Nodes {
				if n.State == Runs {
					runs = append(runs, n.Name)
				}
			}
			for _, e := range g.Edges {
				edges = append(edges, e.From+">"+e.To)
			}
			if got := strings.Join(runs, ", "); got != tt.runs {
				t.Errorf("%s run, want %s", got, tt.runs)
			}
			if got := strings.Join(edges, " "); got != tt.edges {
				t.Errorf("edges %s, want %s", got, tt.edges)
			}
		})
	}
}

// TestForms: the graph of a small image in every form.
func TestForms(t *testing.T) {
	g := draw(planned(plan.Lock, plan.Fresh), "debian", imagebuild.ImageLayers{Deps: whole.Deps[3:], Source: whole.Source}, &llb.Runtime{})
	forms := map[string]string{g.Text(): `linux/amd64: lock; because
base     exists   debian
deps     exists   npm "ci"
source   runs     copy
`, g.Mermaid(): `flowchart TB
  %% linux/amd64: lock; because
  n0["base<br>debian"]:::exists
  n1["deps<br>npm #quot;ci#quot;"]:::exists
  n2["source<br>copy"]:::runs
  n0 --> n1
  n1 --> n2
  classDef exists fill:#e6f4ea,stroke:#555,color:#222
  classDef runs fill:#fdf3d1,stroke:#555,color:#222
`, g.DOT(): `digraph {
  label="linux/amd64: lock\nbecause"
  fontname=Helvetica
  node [shape=box style=filled fontname=Helvetica margin="0.3,0.08"]
  subgraph "cluster_base" {
    label="base"
    n0 [label="debian\nexists" fillcolor="#e6f4ea"]
  }
  subgraph "cluster_deps" {
    label="deps"
    n1 [label="npm \"ci\"\nexists" fillcolor="#e6f4ea"]
  }
  subgraph "cluster_source" {
    label="source"
    n2 [label="copy\nruns" fillcolor="#fdf3d1"]
  }
  n0 -> n1
  n1 -> n2
}
`}
	for got, want := range forms {
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}

// TestSVG: Graphviz draws every node, and what it draws is XML.
func TestSVG(t *testing.T) {
	g := draw(planned(plan.Scratch, plan.Absent, "x"), "debian", whole, built)
	svg, err := g.SVG(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(svg, `class="node"`); got != len(g.Nodes) {
		t.Errorf("%d nodes of %d:\n%s", got, len(g.Nodes), svg)
	}
	decoder := xml.NewDecoder(strings.NewReader(svg))
	for {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}
