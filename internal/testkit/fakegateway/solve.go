package fakegateway

import (
	"fmt"
	"slices"
	"strings"

	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
	"github.com/opencontainers/go-digest"
)

// Solve is what a client was asked to solve.
type Solve struct {
	gateway.SolveRequest
	Vertices []Vertex // of the definition: inputs before what they are for
}

// Vertex is an operation of a definition.
type Vertex struct {
	*pb.Op
	Name  string // what the progress shows; empty if nobody set one
	Lines []int  // the lines that it points at
	Meta  *pb.OpMetadata
}

// Vertices reads a definition, nil included.
func Vertices(def *pb.Definition) ([]Vertex, error) {
	var all []Vertex
	for _, data := range def.GetDef() {
		op, dgst := &pb.Op{}, digest.FromBytes(data).String()
		if err := op.UnmarshalVT(data); err != nil {
			return nil, fmt.Errorf("reading an operation: %w", err)
		}
		if op.Op == nil { // names the operation that the definition is about
			continue
		}
		v := Vertex{Op: op, Meta: def.Metadata[dgst], Name: def.Metadata[dgst].GetDescription()["llb.customname"]}
		for _, location := range def.GetSource().GetLocations()[dgst].GetLocations() {
			for _, r := range location.Ranges {
				v.Lines = append(v.Lines, int(r.Start.Line))
			}
		}
		all = append(all, v)
	}
	return all, nil
}

// Title is the name of the operation that is asked for; empty for nothing, which is scratch.
func (s Solve) Title() string {
	if len(s.Vertices) == 0 {
		return ""
	}
	return s.Vertices[len(s.Vertices)-1].Name
}

// Names are those of all operations that have one.
func (s Solve) Names() []string {
	var names []string
	for _, v := range s.Vertices {
		if v.Name != "" {
			names = append(names, v.Name)
		}
	}
	return names
}

// Failure returns the error of the first operation that fails: failing holds errors by the operation's name.
func (s Solve) Failure(failing map[string]error) error {
	for _, name := range s.Names() {
		if err := failing[name]; err != nil {
			return err
		}
	}
	return nil
}

// Sources are the identifiers of what comes from outside: "docker-image://REF", "local://NAME", an address.
func (s Solve) Sources() []string {
	var all []string
	for _, v := range s.Vertices {
		if source := v.GetSource(); source != nil {
			all = append(all, source.Identifier)
		}
	}
	return all
}

// Vertex returns the operation of a name, and an empty one if there is none.
func (s Solve) Vertex(name string) Vertex {
	for _, v := range s.Vertices {
		if v.Name == name {
			return v
		}
	}
	return Vertex{Op: &pb.Op{}}
}

// IsImage reports whether what is asked for is an image as a registry has it.
func (s Solve) IsImage() bool {
	return len(s.Vertices) == 1 && s.Vertices[0].GetSource() != nil
}

// Stages are those of which the definition has steps, each once, in order: "system tools deps".
func (s Solve) Stages() string {
	var all []string
	for _, name := range s.Names() {
		stage, _, _ := strings.Cut(strings.TrimPrefix(name, "["), "]")
		if stage != "base" && stage != "internal" && !slices.Contains(all, stage) {
			all = append(all, stage)
		}
	}
	return strings.Join(all, " ")
}

// Image is the image that the definition begins with, as "REFERENCE" or "REFERENCE layers=N" for its first layers; empty for none.
func (s Solve) Image() string {
	for _, v := range s.Vertices {
		ref, ok := strings.CutPrefix(v.GetSource().GetIdentifier(), "docker-image://")
		if !ok {
			continue
		}
		if limit := v.GetSource().Attrs[pb.AttrImageLayerLimit]; limit != "" {
			ref += " layers=" + limit
		}
		return ref
	}
	return ""
}
