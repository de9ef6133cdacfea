package profile

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rtbuild/rtbuild/internal/options"
	"github.com/rtbuild/rtbuild/internal/runtimefile"
	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
	"github.com/rtbuild/rtbuild/llb"
)

func TestEverything(t *testing.T) {
	projecttest.CheckSchema(t, runtimefile.Schema(), projecttest.Everything, true)
	projecttest.CheckSchema(t, runtimefile.Schema(), strings.ReplaceAll(projecttest.Everything, "false", "true"), true) // components that profile node has not
	r, err := Load(nodeProject(projecttest.Everything), Options{})
	projecttest.CheckError(t, err, "")
	if in := r.TagInputs(); len(in.LockExtra) != 2 || len(in.SourceExtra) != 5 { // packages, tools; env, ignore, cmd, entrypoint, expose
		t.Errorf("not at their default are %v and %v", in.LockExtra, in.SourceExtra)
	}
	projecttest.CheckSchema(t, runtimefile.Schema(), "", true)
}

func TestExamples(t *testing.T) {
	examples, err := filepath.Glob("../../examples/*/" + runtimefile.Name)
	if err != nil || len(examples) == 0 {
		t.Fatal("no examples", err)
	}
	for _, example := range examples {
		t.Run(example, func(t *testing.T) {
			data, err := os.ReadFile(example)
			projecttest.CheckError(t, err, "")
			projecttest.CheckSchema(t, runtimefile.Schema(), string(data), true)
			projects, _ := filepath.Glob(filepath.Join(filepath.Dir(example), "agents", "*")) // that share the file
			if len(projects) == 0 {
				projects = []string{filepath.Dir(example)}
			}
			for _, project := range projects {
				_, err = Load(os.DirFS(project), Options{Name: runtimefile.Name, Data: data})
				projecttest.CheckError(t, err, "")
			}
		})
	}
}

// TestSchemaTools shows that the schema and the reader agree on the fields that a tool needs.
func TestSchemaTools(t *testing.T) {
	const sum = ", sha256: {amd64: 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f}"
	for _, tt := range []struct{ name, tool, err string }{
		{"of the user's", "name: mine, version: 1.0, url: https://example.com/x" + sum, ""},
		{"of the user's, without an address", "name: mine, version: 1.0" + sum, `"mine" has no url`},
		{"of no profile's, without an address", "name: node, version: 1.0" + sum, `"node" has no url`},
		{"of the profile's", "name: npm, version: 1.0" + sum, ""},
		{"of the profile's, from elsewhere", "name: npm, version: 1.0, url: https://example.com/x" + sum, ""},
		{"of the profile's, without a version", "name: npm" + sum, `"npm" has no version`},
		{"of the profile's, without a checksum", "name: npm, version: 1.0", `"npm" has no sha256`},
		{"without a name", "version: 1.0" + sum, `"" has no name`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := "base: debian:bookworm\ntools: [{" + tt.tool + "}]\n"
			projecttest.CheckSchema(t, runtimefile.Schema(), file, tt.err == "")
			if tt.err != "" {
				tt.err = "runtime.yaml:2:9: tool " + tt.err + ": a tool has name, version, url and sha256"
			}
			_, err := Load(nodeProject(file), Options{})
			projecttest.CheckError(t, err, tt.err)
		})
	}
}

// TestSchemaWords shows that the schema and the options name the profiles, managers, tools, sites and kinds of byte code that there are.
func TestSchemaWords(t *testing.T) {
	type object struct {
		Properties    map[string]object
		PropertyNames struct{ AnyOf []object }
		Items, If     *object
		Enum          []string
		Description   string
	}
	var file object
	projecttest.Must(t, json.Unmarshal(runtimefile.Schema(), &file))
	p := file.Properties
	if diff := cmp.Diff(profileNames(), p["profile"].Enum); diff != "" {
		t.Error("profiles:", diff)
	}
	if diff := cmp.Diff(profileNames(), options.Profiles); diff != "" {
		t.Error("profiles of the options:", diff)
	}
	if diff := cmp.Diff(managers(), slices.Sorted(slices.Values(p["dependencies"].Properties["manager"].Enum))); diff != "" {
		t.Error("managers:", diff)
	}
	if diff := cmp.Diff(ownTools(), p["tools"].Items.If.Properties["name"].Enum); diff != "" {
		t.Error("tools:", diff)
	}
	if diff := cmp.Diff([]string{string(llb.BytecodeAll), string(llb.BytecodeStartup), string(llb.BytecodeNone)}, p["bytecode"].Enum); diff != "" {
		t.Error("byte code:", diff)
	}
	if diff := cmp.Diff([]string{runtimefile.InstallerUV, runtimefile.InstallerPoetry}, p["dependencies"].Properties["installer"].Enum); diff != "" {
		t.Error("installers:", diff)
	}
	mirrors, sites := p["network"].Properties["mirrors"], slices.Sorted(maps.Keys(llb.Sites()))
	if diff := cmp.Diff(sites, mirrors.PropertyNames.AnyOf[0].Enum); diff != "" {
		t.Error("sites:", diff)
	}
	if list := strings.Join(sites, ", "); !strings.Contains(mirrors.Description, list) {
		t.Errorf("the description of mirrors lacks %s", list)
	}
}
