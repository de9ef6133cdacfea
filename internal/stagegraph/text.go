package stagegraph

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-graphviz"
)

// title is the first line of every form.
func (g Graph) title() string { return g.Platform + ": " + g.Variant + "; " + g.Reason }

// Text returns the graph as a list of its nodes.
func (g Graph) Text() string {
	var text strings.Builder
	text.WriteString(g.title() + "\n")
	for _, n := range g.Nodes {
		fmt.Fprintf(&text, "%-8s %-8s %s\n", n.Stage, n.State, n.Name)
	}
	return text.String()
}

// fills are the colours of nodes: green exists, yellow runs.
var fills = map[State]string{Exists: "#e6f4ea", Runs: "#fdf3d1"}

// stages returns the stages of the graph, in the order of their first nodes.
func (g Graph) stages() []string {
	var all []string
	for _, n := range g.Nodes {
		if !slices.Contains(all, n.Stage) {
			all = append(all, n.Stage)
		}
	}
	return all
}

// DOT returns the graph in the language of Graphviz: a box for each stage, with its layers. The margins leave room for readers that have
// only wider fonts.
func (g Graph) DOT() string {
	var text strings.Builder
	fmt.Fprintf(&text, "digraph {\n  label=%s\n  fontname=Helvetica\n  node [shape=box style=filled fontname=Helvetica margin=\"0.3,0.08\"]\n",
		strconv.Quote(strings.ReplaceAll(g.title(), "; ", "\n")))
	for _, stage := range g.stages() {
		fmt.Fprintf(&text, "  subgraph %s {\n    label=%s\n", strconv.Quote("cluster_"+stage), strconv.Quote(stage))
		for _, n := range g.Nodes {
			if n.Stage == stage {
				fmt.Fprintf(&text, "    %s [label=%s fillcolor=%q]\n", n.ID, strconv.Quote(n.Name+"\n"+string(n.State)), fills[n.State])
			}
		}
		text.WriteString("  }\n")
	}
	for _, e := range g.Edges {
		fmt.Fprintf(&text, "  %s -> %s\n", e.From, e.To)
	}
	return text.String() + "}\n"
}

// mermaidText escapes what Mermaid reads in a quoted text.
var mermaidText = strings.NewReplacer("#", "#35;", `"`, "#quot;", "<", "#lt;", ">", "#gt;")

// Mermaid returns the graph in the language of Mermaid, which GitHub and GitLab show in Markdown.
func (g Graph) Mermaid() string {
	var text strings.Builder
	text.WriteString("flowchart TB\n  %% " + strings.ReplaceAll(g.title(), "\n", " ") + "\n")
	for _, n := range g.Nodes {
		fmt.Fprintf(&text, "  %s[\"%s<br>%s\"]:::%s\n", n.ID, n.Stage, mermaidText.Replace(n.Name), n.State)
	}
	for _, e := range g.Edges {
		fmt.Fprintf(&text, "  %s --> %s\n", e.From, e.To)
	}
	for _, state := range []State{Exists, Runs} {
		fmt.Fprintf(&text, "  classDef %s fill:%s,stroke:#555,color:#222\n", state, fills[state])
	}
	return text.String()
}

// SVG returns the graph as a picture. Graphviz draws it: go-graphviz runs its WebAssembly build.
func (g Graph) SVG(ctx context.Context) (string, error) {
	viz, err := graphviz.New(ctx)
	if err != nil {
		return "", fmt.Errorf("starting Graphviz: %w", err)
	}
	defer viz.Close()
	drawn, err := graphviz.ParseBytes([]byte(g.DOT()))
	if err != nil {
		return "", fmt.Errorf("reading the graph: %w", err)
	}
	defer drawn.Close()
	var out strings.Builder
	if err := viz.Render(ctx, drawn, graphviz.SVG, &out); err != nil {
		return "", fmt.Errorf("drawing the graph: %w", err)
	}
	return out.String(), nil
}
