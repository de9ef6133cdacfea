package projecttest

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

// CheckSchema validates a YAML file against a JSON Schema.
func CheckSchema(t *testing.T, schema []byte, file string, valid bool) {
	t.Helper()
	compiled, err := compile(schema)
	Must(t, err)
	var value any
	Must(t, yaml.Unmarshal([]byte(file), &value))
	raw, err := json.Marshal(value)
	Must(t, err)
	instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	Must(t, err)
	if err := compiled.Validate(instance); (err == nil) != valid {
		t.Errorf("the schema says: %v", err)
	}
}

func compile(schema []byte) (*jsonschema.Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("runtime.schema.json", doc); err != nil {
		return nil, err
	}
	return c.Compile("runtime.schema.json")
}

// Everything is a runtime file that sets every field of profile node.
const Everything = `# syntax=registry.example.com/rtbuild-frontend:1
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
