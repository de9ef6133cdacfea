package runtimefile

import (
	_ "embed"
	"slices"
)

//go:embed runtime.schema.json
var schema []byte

// Schema is the JSON Schema of runtime.yaml (draft 2020-12), for editors. It knows the form of the fields; what depends on
// the profile, or on another field, only package profile checks.
func Schema() []byte { return slices.Clone(schema) }
