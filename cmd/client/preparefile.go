package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"go.yaml.in/yaml/v3"

	"github.com/rtbuild/rtbuild/internal/profile"
	"github.com/rtbuild/rtbuild/internal/project"
)

const (
	// runtimeFileName is where a project keeps its runtime.
	runtimeFileName = "runtime.yaml"
	// frontendImage is the released frontend.
	frontendImage = "ghcr.io/rtbuild/rtbuild-frontend:1"
	// madeLine says of a Dockerfile that prepare may replace it, and code/ with it.
	madeLine = "# Made by rtbuild-client prepare, which replaces this file and " + codeDir + "/."
)

// preparedFile is the runtime file for a prepared folder: the project's own, with everything written into it that came from
// flags, from the environment or from files of the project that may not be there when the folder is built.
func (o *prepareOptions) preparedFile(p *project.Project) ([]byte, error) {
	_, file := p.Runtime.File()
	syntax, rest := splitHeader(file)
	if o.syntax != "" {
		syntax = o.syntax
	}
	if strings.ContainsAny(syntax, "\r\n") {
		return nil, fmt.Errorf("invalid --syntax %q: it must be one line, the reference of an image", syntax)
	}
	doc, root, err := parseFields(rest)
	if err != nil {
		return nil, err
	}
	o.pin(root, p)
	var out bytes.Buffer
	fmt.Fprintf(&out, "# syntax=%s\n%s%s\n%s\n", syntax, profile.RootLine, codeDir, madeLine)
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := enc.Encode(doc); err != nil {
		return nil, fmt.Errorf("writing the runtime file anew: %w", err)
	}
	return out.Bytes(), enc.Close()
}

// pin sets the fields that the folder must hold itself.
func (o *prepareOptions) pin(root *yaml.Node, p *project.Project) {
	setField(root, "profile", p.Runtime.Profile)
	setField(root, "base", p.Runtime.Base)
	setField(root, "version", p.Runtime.Version)
	if repository := tagsRepository(p, &o.project); repository != "" {
		setField(root, "repository", repository)
	}
	if o.project.extra != "" {
		setField(root, "extra", p.Runtime.Extra)
	}
	if _, known := p.Runtime.Components["browser"]; known && o.project.noBrowser {
		components := field(root, "components", yaml.MappingNode)
		browser := field(components, "browser", yaml.ScalarNode)
		browser.Value, browser.Tag = "false", "!!bool"
	}
}

// splitHeader takes off a runtime file the lines that prepare writes anew, and gives the frontend that it names.
func splitHeader(file []byte) (syntax string, rest []byte) {
	syntax = frontendImage
	syntaxLine := 0
	if _, value, at, found := parser.DetectSyntax(file); found {
		syntax, syntaxLine = value, at[0].Start.Line
	}
	number := 0
	for line := range bytes.Lines(file) {
		number++
		text := strings.TrimSpace(string(line))
		if number != syntaxLine && text != madeLine && !strings.HasPrefix(text, profile.RootLine) {
			rest = append(rest, line...)
		}
	}
	return syntax, rest
}

// parseFields gives a file and the map in it, an empty one if it sets nothing.
func parseFields(file []byte) (doc, root *yaml.Node, err error) {
	doc = &yaml.Node{}
	if err := yaml.Unmarshal(file, doc); err != nil {
		return nil, nil, fmt.Errorf("reading the runtime file: %w", err)
	}
	if len(doc.Content) == 0 || doc.Content[0].Kind != yaml.MappingNode {
		doc = &yaml.Node{Kind: yaml.DocumentNode, Content: []*yaml.Node{{Kind: yaml.MappingNode, Tag: "!!map"}}}
	}
	return doc, doc.Content[0], nil
}

// setField sets a field to a text. One that has it already stays as it is written.
func setField(root *yaml.Node, name, value string) {
	n := field(root, name, yaml.ScalarNode)
	if n.Value != value {
		n.Value, n.Tag, n.Style = value, "!!str", 0
	}
}

// field is the value of a field, which is added if it is missing, and emptied if it is of another kind.
func field(root *yaml.Node, name string, kind yaml.Kind) *yaml.Node {
	for i := 0; i+1 < len(root.Content); i += 2 {
		if root.Content[i].Value != name {
			continue
		}
		n := root.Content[i+1]
		if n.Kind != kind {
			*n = yaml.Node{Kind: kind}
		}
		return n
	}
	n := &yaml.Node{Kind: kind}
	root.Content = append(root.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: name}, n)
	return n
}
