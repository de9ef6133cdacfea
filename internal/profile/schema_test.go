package profile

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rtbuild/rtbuild/internal/runtimefile"
	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
)

func TestEverything(t *testing.T) {
	projecttest.CheckSchema(t, runtimefile.Schema(), projecttest.Everything, true)
	projecttest.CheckSchema(t, runtimefile.Schema(), strings.ReplaceAll(projecttest.Everything, "false", "true"), true) // components that profile node has not
	r, err := Load(nodeProject(projecttest.Everything), Options{})
	projecttest.CheckError(t, err, "")
	if in := r.TagInputs(); len(in.LockExtra) != 3 || len(in.SourceExtra) != 4 { // packages, tools, env; ignore, cmd, entrypoint, expose
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

// TestSchemaWords shows that the schema names the profiles and managers that there are.
func TestSchemaWords(t *testing.T) {
	type object struct {
		Properties map[string]object
		Enum       []string
	}
	var file object
	projecttest.Must(t, json.Unmarshal(runtimefile.Schema(), &file))
	p := file.Properties
	if diff := cmp.Diff(profileNames(), p["profile"].Enum); diff != "" {
		t.Error("profiles:", diff)
	}
	if diff := cmp.Diff(managers(), slices.Sorted(slices.Values(p["dependencies"].Properties["manager"].Enum))); diff != "" {
		t.Error("managers:", diff)
	}
}
