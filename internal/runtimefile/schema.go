package runtimefile

import (
	_ "embed"
	"slices"
)

//go:embed runtime.schema.json
var schema []byte

// Schema returns the JSON Schema of runtime.yaml (draft 2020-12), for editors. It describes the form of the fields. Package profile checks
// what depends on the profile or on other fields.
func Schema() []byte { return slices.Clone(schema) }
