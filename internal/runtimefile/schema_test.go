package runtimefile

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestSchemaFields shows that the schema and the parser know the same fields.
func TestSchemaFields(t *testing.T) {
	type object struct {
		Description string
		Properties  map[string]object
		Items       *object
		OneOf       []object
		Enum        []string
	}
	var file object
	if err := json.Unmarshal(Schema(), &file); err != nil {
		t.Fatal(err)
	}
	p := file.Properties
	tests := []struct {
		name   string
		schema object
		parser []string
	}{
		{"the file", file, names(fileFields)},
		{"runtime", p["runtime"], names(interpreterFields)},
		{"python", p["runtime"].Properties["python"].OneOf[1], names(pythonFields)},
		{"user", p["user"].OneOf[1], names(userFields)},
		{"packages", p["packages"].OneOf[1], names(packageFields)},
		{"components", p["components"], names(componentFields)},
		{"tools", *p["tools"].Items, names(toolFields)},
		{"dependencies", p["dependencies"], names(dependencyFields)},
		{"source", *p["source"].Items, names(sourceFields)},
		{"network", p["network"], names(networkFields)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.parser, slices.Sorted(maps.Keys(test.schema.Properties))); diff != "" {
				t.Error(diff)
			}
			for name, property := range test.schema.Properties {
				if property.Description == "" {
					t.Errorf("%s has no description", name)
				}
			}
		})
	}
}

func names[T any](f fields[T]) []string { return slices.Sorted(maps.Keys(f)) }
