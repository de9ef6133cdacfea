package manifests

import (
	"bytes"
	"errors"
	"io/fs"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/rtbuild/rtbuild/internal/projectfile"
)

// table is a TOML table. A value of an unexpected type counts as missing: the package manager says what is wrong with it.
type table map[string]any

// table returns the table at a path, or nil.
func (t table) table(path ...string) table {
	for _, name := range path {
		t, _ = t[name].(table)
	}
	return t
}

// tables returns the tables of an array.
func (t table) tables(name string) []table {
	list, _ := t[name].([]any)
	var all []table
	for _, item := range list {
		if object, ok := item.(table); ok {
			all = append(all, object)
		}
	}
	return all
}

// text returns a string, or "".
func (t table) text(name string) string {
	text, _ := t[name].(string)
	return text
}

// texts returns the strings of an array.
func (t table) texts(name string) []string {
	list, _ := t[name].([]any)
	var all []string
	for _, item := range list {
		if text, ok := item.(string); ok {
			all = append(all, text)
		}
	}
	return all
}

// readTOML reads a TOML file, or nil if there is none. It accepts a byte order mark.
func readTOML(fsys fs.FS, name string, limit int64) (table, projectfile.Text, error) {
	data, err := projectfile.ReadFile(fsys, name, limit)
	text := projectfile.Text{Name: name, Data: data}
	if projectfile.Absent(err) {
		return nil, text, nil
	}
	if err != nil {
		return nil, text, err
	}
	var content map[string]any
	if err := unmarshalTOML(text, &content); err != nil {
		return nil, text, err
	}
	return typed(content).(table), text, nil
}

// typed gives all tables of a value their type.
func typed(value any) any {
	switch v := value.(type) {
	case map[string]any:
		t := table{}
		for name, item := range v {
			t[name] = typed(item)
		}
		return t
	case []any:
		for i, item := range v {
			v[i] = typed(item)
		}
	}
	return value
}

// unmarshalTOML parses a file. The error is an [*projectfile.Error] if it is not valid.
func unmarshalTOML(text projectfile.Text, into any) error {
	err := toml.Unmarshal(bytes.TrimPrefix(text.Data, []byte("\uFEFF")), into)
	var fault *toml.DecodeError
	if errors.As(err, &fault) {
		line, column := fault.Position()
		return text.At(line, column, "", "not valid TOML: %s", strings.TrimPrefix(fault.Error(), "toml: "))
	}
	return err
}
