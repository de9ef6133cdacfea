package runtimefile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/rtbuild/rtbuild/internal/projectfile"
)

// document is the text and the YAML tree of a runtime file.
type document struct {
	projectfile.Text
	root  *yaml.Node // nil: nothing is set
	known Known
}

// parseDocument parses a file that holds at most one YAML document.
func parseDocument(t projectfile.Text) (*document, error) {
	for i, rest := 0, t.Data; len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		if r == utf8.RuneError && size == 1 {
			return nil, t.AtOffset(i, "save it as UTF-8", "the file is not UTF-8")
		}
		i, rest = i+size, rest[size:]
	}
	decoder := yaml.NewDecoder(bytes.NewReader(t.Data))
	var first, second yaml.Node
	if err := decoder.Decode(&first); errors.Is(err, io.EOF) {
		return &document{Text: t}, nil
	} else if err != nil {
		return nil, syntaxError(t, err)
	}
	if err := decoder.Decode(&second); err == nil {
		return nil, t.At(second.Line, second.Column, "remove the others", "the file holds more than one YAML document")
	} else if !errors.Is(err, io.EOF) {
		return nil, syntaxError(t, err)
	}
	d := &document{Text: t, root: first.Content[0]}
	if isNull(d.root) {
		d.root = nil
	}
	return d, nil
}

// syntaxLine matches the line number in the YAML library's errors, which have no type.
var syntaxLine = regexp.MustCompile(`^line (\d+): `)

func syntaxError(t projectfile.Text, err error) error {
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 0
	if m := syntaxLine.FindStringSubmatch(message); m != nil {
		line, _ = strconv.Atoi(m[1])
		message = strings.TrimPrefix(message, m[0])
		if strings.HasPrefix(message, "did not find expected ") {
			// The library's parser counts from 0, unlike its scanner.
			line = min(line+1, 1+strings.Count(strings.TrimSpace(string(t.Data)), "\n"))
		}
	}
	return t.At(line, 0, "", "not valid YAML: %s", message)
}

// errorAt returns an error at a node.
func (d *document) errorAt(n *yaml.Node, hint, format string, args ...any) error {
	return d.At(n.Line, n.Column, hint, format, args...)
}

// wrongType returns the error for a node of the wrong kind.
func (d *document) wrongType(n *yaml.Node, what, want string) error {
	return d.errorAt(n, "", "%s must be %s, not %s", what, want, kindOf(n))
}

// kindOf describes the kind of a node.
func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a map"
	case yaml.SequenceNode:
		return "a list"
	}
	switch tag := n.ShortTag(); tag {
	case "!!str":
		return "a string"
	case "!!int", "!!float":
		return "a number"
	case "!!bool":
		return "true or false"
	case "!!null":
		return "empty"
	case "!!timestamp":
		return "a date"
	default:
		return "a value of type " + tag
	}
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// resolve returns the node that an alias stands for.
func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// pair is an entry of a map.
type pair struct {
	name       string
	key, value *yaml.Node
}

// mapping returns the entries of a map. It refuses duplicate names.
func (d *document) mapping(n *yaml.Node, what string) ([]pair, error) {
	n = resolve(n)
	if n.Kind != yaml.MappingNode {
		return nil, d.wrongType(n, what, "a map")
	}
	var pairs []pair
	lines := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := resolve(n.Content[i])
		if key.Kind != yaml.ScalarNode {
			return nil, d.errorAt(n.Content[i], "", "the name of a field must be a string, not %s", kindOf(key))
		}
		if key.ShortTag() == "!!merge" {
			return nil, d.errorAt(key, "write the fields out", "merging maps is not supported")
		}
		if line, twice := lines[key.Value]; twice {
			return nil, d.errorAt(key, fmt.Sprintf("it was set in line %d before", line), "%q is set twice", key.Value)
		}
		lines[key.Value] = key.Line
		pairs = append(pairs, pair{key.Value, key, n.Content[i+1]})
	}
	return pairs, nil
}

// list calls item for each element of a list.
func (d *document) list(n *yaml.Node, what string, item func(*yaml.Node) error) error {
	n = resolve(n)
	if n.Kind != yaml.SequenceNode {
		return d.wrongType(n, what, "a list")
	}
	for _, element := range n.Content {
		if err := item(element); err != nil {
			return err
		}
	}
	return nil
}

// str returns a string.
func (d *document) str(n *yaml.Node, what string) (string, error) {
	return d.scalar(n, what, "a string", "!!str")
}

// literal returns a string, or the exact text of a number: 3.10 is not 3.1.
func (d *document) literal(n *yaml.Node, what string) (string, error) {
	return d.scalar(n, what, "a string", "!!str", "!!int", "!!float", "!!timestamp")
}

func (d *document) scalar(n *yaml.Node, what, want string, tags ...string) (string, error) {
	n = resolve(n)
	for _, tag := range tags {
		if n.Kind != yaml.ScalarNode || n.ShortTag() != tag {
			continue
		}
		if strings.ContainsRune(n.Value, 0) {
			return "", d.errorAt(n, "", "%s must not hold a NUL character", what)
		}
		return n.Value, nil
	}
	return "", d.wrongType(n, what, want)
}

// boolean returns true or false.
func (d *document) boolean(n *yaml.Node, what string) (bool, error) {
	value, err := d.scalar(n, what, "true or false", "!!bool")
	return strings.EqualFold(value, "true"), err
}

var decimal = regexp.MustCompile(`^(0|[1-9][0-9]{0,9})$`)

// integer returns a decimal number between two limits. It refuses YAML's other spellings (017, 0x1f, 1_000), which parsers read
// differently.
func (d *document) integer(n *yaml.Node, what string, low, high int) (int, error) {
	value, err := d.scalar(n, what, "a number", "!!int")
	if err != nil {
		return 0, err
	}
	i, _ := strconv.Atoi(value)
	if !decimal.MatchString(value) || i < low || i > high {
		return 0, d.errorAt(resolve(n), "", "%s must be a decimal number from %d to %d", what, low, high)
	}
	return i, nil
}

// match returns a literal that matches form. want describes the form.
func (d *document) match(n *yaml.Node, what string, form *regexp.Regexp, want string) (string, error) {
	value, err := d.literal(n, what)
	if err == nil && !form.MatchString(value) {
		err = d.errorAt(resolve(n), want, "%s %q is not valid", what, value)
	}
	return value, err
}

// oneOf returns one of the known strings.
func (d *document) oneOf(n *yaml.Node, what string, known []string) (string, error) {
	value, err := d.str(n, what)
	if err != nil {
		return "", err
	}
	for _, k := range known {
		if k == value {
			return value, nil
		}
	}
	return "", d.errorAt(resolve(n), Suggest(value, known), "unknown %s %q", what, value)
}

// strings returns a list of strings and numbers, never nil.
func (d *document) strings(n *yaml.Node, what string) ([]string, error) {
	all := []string{}
	err := d.list(n, what, func(item *yaml.Node) error {
		value, err := d.literal(item, "an item of "+what)
		all = append(all, value)
		return err
	})
	return all, err
}
