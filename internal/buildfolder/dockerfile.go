package buildfolder

import (
	"bytes"
	"cmp"
	"fmt"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"go.yaml.in/yaml/v3"

	"github.com/rtbuild/rtbuild/internal/runtimefile"
)

const (
	// Frontend is the reference of the released frontend image.
	Frontend = "ghcr.io/rtbuild/rtbuild-frontend:1"
	// madeLine marks a Dockerfile that a Folder wrote. A Folder may replace it together with code/.
	madeLine = "# Made by rtbuild-client prepare, which replaces this file and " + codeDir + "/."
)

// runtimeFile returns the folder's runtime file: the project's, with the settings from flags, the environment and files of the
// project that may be missing when the folder is built.
func (f *Folder) runtimeFile(syntax string) ([]byte, error) {
	_, file := f.project.Runtime.File()
	named, rest := splitHeader(file)
	if syntax = cmp.Or(syntax, named); strings.ContainsAny(syntax, "\r\n") {
		return nil, fmt.Errorf("invalid --syntax %q: it must be one line, the reference of an image", syntax)
	}
	doc, root, err := parseFields(rest)
	if err != nil {
		return nil, err
	}
	f.pin(root)
	var out bytes.Buffer
	fmt.Fprintf(&out, "# syntax=%s\n%s%s\n%s\n", syntax, runtimefile.RootLine, codeDir, madeLine)
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := enc.Encode(doc); err != nil {
		return nil, fmt.Errorf("writing the runtime file for the folder: %w", err)
	}
	return out.Bytes(), enc.Close()
}

// pin sets the fields whose values would otherwise come from outside the folder.
func (f *Folder) pin(root *yaml.Node) {
	runtime, overrides := f.project.Runtime, f.project.Options.Overrides
	setField(root, "profile", runtime.Profile)
	setField(root, "base", runtime.Base)
	setField(root, "version", runtime.Version)
	if repository := f.project.Inputs.Repository; repository != "" {
		setField(root, "repository", repository)
	}
	if overrides.Extra != nil {
		setField(root, "extra", runtime.Extra)
	}
	if _, known := runtime.Components["browser"]; known && overrides.NoBrowser {
		components := field(root, "components", yaml.MappingNode)
		browser := field(components, "browser", yaml.ScalarNode)
		browser.Value, browser.Tag = "false", "!!bool"
	}
}

// splitHeader splits off the lines of a runtime file that runtimeFile writes itself. It returns the frontend that the file names,
// else Frontend, and the rest of the file.
func splitHeader(file []byte) (syntax string, rest []byte) {
	syntax = Frontend
	syntaxLine := 0
	if _, value, at, found := parser.DetectSyntax(file); found {
		syntax, syntaxLine = value, at[0].Start.Line
	}
	number := 0
	for line := range bytes.Lines(file) {
		number++
		text := strings.TrimSpace(string(line))
		if number != syntaxLine && text != madeLine && !strings.HasPrefix(text, runtimefile.RootLine) {
			rest = append(rest, line...)
		}
	}
	return syntax, rest
}

// parseFields parses a runtime file. It returns the document and the mapping node of its fields, which may be empty.
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

// setField sets a field to a string. If it has that value already, its style stays.
func setField(root *yaml.Node, name, value string) {
	n := field(root, name, yaml.ScalarNode)
	if n.Value != value {
		n.Value, n.Tag, n.Style = value, "!!str", 0
	}
}

// field returns the node of a field's value. It adds a missing field, and replaces a value of another kind by an empty one.
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
