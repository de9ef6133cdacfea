package profile

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

var compiledSchema = sync.OnceValues(func() (*jsonschema.Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("runtime.schema.json", doc); err != nil {
		return nil, err
	}
	return c.Compile("runtime.schema.json")
})

// checkSchema asks the schema for its opinion of a file.
func checkSchema(t *testing.T, file string, valid bool) {
	t.Helper()
	s, err := compiledSchema()
	if err != nil {
		t.Fatal(err)
	}
	var value any
	if err := yaml.Unmarshal([]byte(file), &value); err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(instance); (err == nil) != valid {
		t.Errorf("the schema says: %v", err)
	}
}

// everything is a file that sets every field.
const everything = `# syntax=registry.example.com/rtbuild-frontend:1
profile: node
base: debian:bookworm
repository: registry.example.com/team/runtime
version: 1.4.0
runtime: {node: 22}
prefix: /agent
user: {name: agent, uid: 1000, gid: 1000}
packages: [git, tmux, jq]
components: {browser: false, editor: false, docker: false}
tools:
  - {name: uv, version: 0.8.3, url: "https://example.com/{version}/uv-{arch}.tar.gz", sha256: {amd64: "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", arm64: "100102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"}, to: bin}
dependencies: {manager: npm, files: [package.json, package-lock.json]}
source: [{path: ., hash: true}]
ignore: ["*.log"]
env: {KEY: value}
cmd: [node, server.js]
entrypoint: []
workdir: /agent/code
expose: [8080, 53/udp]
extra: ""
network: {mirrors: {"https://github.com": "https://mirror.example.com/github"}}
`

func TestEverything(t *testing.T) {
	checkSchema(t, everything, true)
	checkSchema(t, strings.ReplaceAll(everything, "false", "true"), true) // components that profile node has not
	r, err := Load(nodeProject(everything), Options{})
	checkError(t, err, "")
	if in := r.TagInputs(); len(in.LockExtra) != 3 || len(in.SourceExtra) != 4 { // packages, tools, env; ignore, cmd, entrypoint, expose
		t.Errorf("not at their default are %v and %v", in.LockExtra, in.SourceExtra)
	}
	checkSchema(t, "", true)
}

func TestExamples(t *testing.T) {
	examples, err := filepath.Glob("../../examples/*/" + fileName)
	if err != nil || len(examples) == 0 {
		t.Fatal("no examples", err)
	}
	for _, example := range examples {
		t.Run(example, func(t *testing.T) {
			data, err := os.ReadFile(example)
			checkError(t, err, "")
			checkSchema(t, string(data), true)
			projects, _ := filepath.Glob(filepath.Join(filepath.Dir(example), "agents", "*")) // that share the file
			if len(projects) == 0 {
				projects = []string{filepath.Dir(example)}
			}
			for _, project := range projects {
				_, err = Load(os.DirFS(project), Options{Name: fileName, Data: data})
				checkError(t, err, "")
			}
		})
	}
}

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
	if diff := cmp.Diff(profileNames(), p["profile"].Enum); diff != "" {
		t.Error("profiles:", diff)
	}
	if diff := cmp.Diff(managers(), slices.Sorted(slices.Values(p["dependencies"].Properties["manager"].Enum))); diff != "" {
		t.Error("managers:", diff)
	}
}

func names[T any](f fields[T]) []string { return slices.Sorted(maps.Keys(f)) }
