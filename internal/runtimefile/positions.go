package runtimefile

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/rtbuild/rtbuild/internal/projectfile"
)

// Location returns the lines in which the file sets a field ("packages", "base") or an item of one ("tools.NAME", "source.PATH",
// "ignore.PATTERN"). If the file does not set it, or it is overridden, Location returns the lines of "profile", else the first line with
// content, else line 1. If there is no file, it returns the zero value.
func (f *File) Location(field string, overridden ...string) projectfile.SourceLocation {
	d := f.document
	if d == nil || d.Data == nil {
		return projectfile.SourceLocation{}
	}
	at := projectfile.SourceLocation{File: d.Name, Data: d.Data, First: 1, Last: 1}
	field, item, _ := strings.Cut(field, ".")
	for _, name := range []string{field, "profile"} {
		key, value, next := d.field(name)
		if key == nil || slices.Contains(overridden, name) {
			continue
		}
		at.First, at.Last = key.Line, d.end(key.Line, next, key.Column+1)
		if name == field && item != "" {
			at.First, at.Last = d.item(value, item, at.First, at.Last)
		}
		return at
	}
	if d.root != nil {
		at.First, at.Last = d.root.Line, d.root.Line
	}
	return at
}

// FieldErrorf returns an error at a field. If the file does not set the field, the error is about the whole file.
func (f *File) FieldErrorf(field, hint, format string, args ...any) error {
	if key, _, _ := f.document.field(field); key != nil {
		return f.document.errorAt(resolve(key), hint, format, args...)
	}
	return f.document.At(0, 0, hint, format, args...)
}

// Sets reports whether the file sets a field.
func (f *File) Sets(field string) bool {
	key, _, _ := f.document.field(field)
	return key != nil
}

// field returns a field of the file, and the first line after it, or nothing if the file does not set it.
func (d *document) field(name string) (key, value *yaml.Node, next int) {
	if d == nil || d.root == nil {
		return nil, nil, 0
	}
	fields := d.root.Content
	for i := 0; i+1 < len(fields); i += 2 {
		if resolve(fields[i]).Value != name {
			continue
		}
		next = bytes.Count(d.Data, []byte("\n")) + 2
		if i+2 < len(fields) {
			next = fields[i+2].Line
		}
		return fields[i], fields[i+1], next
	}
	return nil, nil, 0
}

// item returns the lines of the list item with a name. It returns first and last if there is no such item, or if the list is elsewhere.
func (d *document) item(list *yaml.Node, name string, first, last int) (int, int) {
	if list.Kind != yaml.SequenceNode {
		return first, last
	}
	for i, item := range list.Content {
		if itemName(item) != name {
			continue
		}
		next := last + 1
		if i+1 < len(list.Content) {
			next = list.Content[i+1].Line
		}
		return item.Line, d.end(item.Line, next, item.Column)
	}
	return first, last
}

// itemName returns the name of a list item: a tool's name, a source's path, or the word itself.
func itemName(n *yaml.Node) string {
	if n.Kind != yaml.MappingNode {
		return resolve(n).Value
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		switch value := resolve(n.Content[i+1]).Value; resolve(n.Content[i]).Value {
		case "name":
			return value
		case "path":
			return path.Clean(value)
		}
	}
	return ""
}

// end returns the last line of a node that begins in line first and ends before line next. Blank lines and comments to the left of column
// belong to the next node. Comments further right may be text.
func (d *document) end(first, next, column int) int {
	lines := strings.Split(string(d.Data), "\n")
	last := min(next-1, len(lines))
	for ; last > first; last-- {
		line := strings.TrimRight(lines[last-1], " \t\r")
		body := strings.TrimLeft(line, " \t")
		marker := line == "---" || line == "..."
		if body != "" && !marker && (body[0] != '#' || len(line)-len(body)+1 >= column) {
			break
		}
	}
	return max(first, last)
}
