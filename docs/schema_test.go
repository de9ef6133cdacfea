package docs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

// readSchema gives the schema of runtime.yaml. JSON is YAML, and a YAML node keeps the order of the fields.
func readSchema(t *testing.T) *yaml.Node {
	t.Helper()
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(read(t, schemaFile(t))), &document); err != nil {
		t.Fatal(err)
	}
	return document.Content[0]
}

// schemaFile is the schema in whichever package owns it.
func schemaFile(t *testing.T) string {
	t.Helper()
	found, err := filepath.Glob("../internal/*/runtime.schema.json")
	if err != nil || len(found) != 1 {
		t.Fatalf("schemas: %v, %v; want one", found, err)
	}
	return found[0]
}

// TestExamplesAreValid holds the examples of the schema to the schema.
func TestExamplesAreValid(t *testing.T) {
	root := readSchema(t)
	text, err := jsonschema.UnmarshalJSON(strings.NewReader(read(t, schemaFile(t))))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("runtime.schema.json", text); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("runtime.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, field := range properties(root) {
		examples := get(field, "examples")
		if examples == nil {
			t.Errorf("%s has no example", name)
			continue
		}
		for _, example := range examples.Content {
			var value any
			if err := example.Decode(&value); err != nil {
				t.Fatal(err)
			}
			data, err := json.Marshal(map[string]any{name: value})
			if err != nil {
				t.Fatal(err)
			}
			instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			if err := schema.Validate(instance); err != nil {
				t.Errorf("the example of %s: %v", name, err)
			}
		}
	}
}

// get gives the value of a key of a mapping, nil if it has none.
func get(mapping *yaml.Node, keys ...string) *yaml.Node {
	for _, key := range keys {
		mapping = getOne(mapping, key)
	}
	return mapping
}

func getOne(mapping *yaml.Node, key string) *yaml.Node {
	if mapping == nil || mapping.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i+1]
		}
	}
	return nil
}

// properties yields the fields of an object in the schema's order.
func properties(schema *yaml.Node) func(yield func(string, *yaml.Node) bool) {
	return func(yield func(string, *yaml.Node) bool) {
		fields := get(schema, "properties")
		if fields == nil {
			return
		}
		for i := 0; i < len(fields.Content); i += 2 {
			if !yield(fields.Content[i].Value, fields.Content[i+1]) {
				return
			}
		}
	}
}

// reference is the generated part of the page: a table of all fields, then each with its parts and an example.
func reference(t *testing.T, root *yaml.Node) string {
	t.Helper()
	r := &writer{t: t, root: root}
	r.line("| field | sets |")
	r.line("|---|---|")
	for name, field := range properties(root) {
		r.line("| [`%s`](#%s) | %s |", name, strings.ToLower(name), firstSentence(get(field, "description").Value))
	}
	for name, field := range properties(root) {
		r.field(name, field)
	}
	r.line("")
	return r.text.String()
}

func firstSentence(text string) string {
	sentence, _, _ := strings.Cut(text, ". ")
	return strings.TrimSuffix(sentence, ".") + "."
}

// writer writes the reference.
type writer struct {
	t    *testing.T
	root *yaml.Node
	text strings.Builder
}

func (w *writer) line(format string, args ...any) { fmt.Fprintf(&w.text, format+"\n", args...) }

// field writes one field of the file.
func (w *writer) field(name string, field *yaml.Node) {
	w.line("\n### %s\n", name)
	w.line("%s\n", get(field, "description").Value)
	w.line("Type: %s.\n", w.typeOf(field))
	w.parts(field)
	for _, example := range get(field, "examples").Content {
		w.line("```yaml\n%s```", w.example(name, example))
	}
}

// parts writes the fields of a map, of the maps of a list, or of a map that a field may be.
func (w *writer) parts(field *yaml.Node) {
	schemas := []*yaml.Node{field, get(field, "items")}
	if choices := get(field, "oneOf"); choices != nil {
		schemas = append(schemas, choices.Content...)
	}
	for _, schema := range schemas {
		if get(schema, "properties") == nil {
			continue
		}
		w.line("| part | type | |")
		w.line("|---|---|---|")
		for name, part := range properties(schema) {
			about := get(part, "description").Value
			if required(schema, name) {
				about += " Required."
			}
			if value := get(part, "default"); value != nil {
				about += " Default: `" + value.Value + "`."
			}
			w.line("| `%s` | %s | %s |", name, w.typeOf(part), about)
		}
		w.line("")
	}
}

func required(schema *yaml.Node, name string) bool {
	list := get(schema, "required")
	return list != nil && slices.ContainsFunc(list.Content, func(n *yaml.Node) bool { return n.Value == name })
}

// typeOf says in words what a field may hold.
func (w *writer) typeOf(field *yaml.Node) string {
	if ref := get(field, "$ref"); ref != nil {
		return w.typeOf(get(w.root, strings.Split(strings.TrimPrefix(ref.Value, "#/"), "/")...))
	}
	switch {
	case get(field, "const") != nil:
		return "`" + get(field, "const").Value + "`"
	case get(field, "enum") != nil:
		return w.or(get(field, "enum").Content, func(n *yaml.Node) string { return "`" + n.Value + "`" })
	case get(field, "oneOf") != nil:
		return w.or(get(field, "oneOf").Content, w.typeOf)
	}
	switch kind := get(field, "type"); {
	case kind.Kind == yaml.SequenceNode:
		return kind.Content[0].Value // a number is read as the text that it is
	case kind.Value == "array":
		return "list of " + w.plural(get(field, "items"))
	case kind.Value == "object" && get(field, "properties") == nil:
		return "map to " + w.plural(get(field, "additionalProperties"))
	case kind.Value == "object":
		return "map"
	case kind.Value == "boolean":
		return "true or false"
	default:
		return kind.Value
	}
}

var listed = regexp.MustCompile(` (or) ([^ ]+)`)

func (w *writer) plural(item *yaml.Node) string {
	one := w.typeOf(item)
	return listed.ReplaceAllString(one, "s $1 $2") + "s"
}

// or joins choices in words.
func (w *writer) or(choices []*yaml.Node, text func(*yaml.Node) string) string {
	var words []string
	for _, choice := range choices {
		words = append(words, text(choice))
	}
	last := len(words) - 1
	if last == 0 {
		return words[0]
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// widest is how long an example may be on one line.
const widest = 80

// example writes a field as in a file: on one line if that is short, else a line for each item.
func (w *writer) example(name string, value *yaml.Node) string {
	unquote(value)
	text := w.yaml(name, value)
	if len(text) <= widest {
		return text
	}
	value.Style = 0
	for _, item := range value.Content {
		item.Style = 0
	}
	return w.yaml(name, value)
}

// unquote leaves the quotes to the encoder, which knows where YAML needs them.
func unquote(n *yaml.Node) {
	if n.Kind == yaml.ScalarNode {
		n.Style = 0
	}
	for _, child := range n.Content {
		unquote(child)
	}
}

func (w *writer) yaml(name string, value *yaml.Node) string {
	w.t.Helper()
	key := &yaml.Node{Kind: yaml.ScalarNode, Value: name}
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(&yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{key, value}}); err != nil {
		w.t.Fatal(err)
	}
	return out.String()
}
