package profile

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// File is the runtime file's name and text. The text is nil where there is no such file.
func (r *Runtime) File() (name string, data []byte) {
	if r.given.document == nil {
		return "", nil
	}
	return r.given.document.name, r.given.document.data
}

// OwnIgnore is the runtime file's own part of Ignore, which stands between .dockerignore's and the profile's.
func (r *Runtime) OwnIgnore() []string { return r.given.ignore }

// Lines gives the lines, from 1, in which the runtime file sets a field: "packages", "base", ..., or one item of it:
// "tools.NAME", "source.PATH", "ignore.PATTERN". Where it does not, or where the command line overrides it, they are those of "profile", else the first line of
// content, else line 1; 0 and 0 if there is no file.
func (r *Runtime) Lines(field string) (first, last int) {
	d := r.given.document
	if d == nil || d.data == nil {
		return 0, 0
	}
	field, item, _ := strings.Cut(field, ".")
	for _, name := range []string{field, "profile"} {
		key, value, next := d.field(name)
		if key == nil || slices.Contains(r.given.overridden, name) {
			continue
		}
		end := d.end(key.Line, next, key.Column+1)
		if name == field && item != "" {
			return d.item(value, item, key.Line, end)
		}
		return key.Line, end
	}
	if d.root != nil {
		return d.root.Line, d.root.Line
	}
	return 1, 1
}

// field gives a field of the file, and the first line behind it; nothing if the file does not set it.
func (d *document) field(name string) (key, value *yaml.Node, next int) {
	if d.root == nil {
		return nil, nil, 0
	}
	fields := d.root.Content
	for i := 0; i+1 < len(fields); i += 2 {
		if resolve(fields[i]).Value != name {
			continue
		}
		next = bytes.Count(d.data, []byte("\n")) + 2
		if i+2 < len(fields) {
			next = fields[i+2].Line
		}
		return fields[i], fields[i+1], next
	}
	return nil, nil, 0
}

// item gives the lines of a list's item that has this name; those given if there is none, or if the list stands elsewhere.
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

// itemName is what an item of a list is known by: a tool's name, a source's path, a word.
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

// end is the last line of what begins in line first and has nothing in line next or behind. The blank lines and the
// comments left of a column belong to what follows; further to the right they may be text.
func (d *document) end(first, next, column int) int {
	lines := strings.Split(string(d.data), "\n")
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
