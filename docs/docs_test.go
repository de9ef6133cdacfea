package docs

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the generated parts of the pages")

// The generated part of runtime-yaml.md stands between these lines.
const (
	generatedBegin = "<!-- fields: made from runtime.schema.json by go test ./docs -update -->\n"
	generatedEnd   = "<!-- end of fields -->\n"
)

// TestRuntimeFields compares the reference of runtime.yaml with the schema, or writes it with -update.
func TestRuntimeFields(t *testing.T) {
	const name = "runtime-yaml.md"
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(data), generatedBegin)
	old, after, ended := strings.Cut(rest, generatedEnd)
	if !found || !ended {
		t.Fatalf("%s lacks the lines %q and %q", name, generatedBegin, generatedEnd)
	}
	want := reference(t, readSchema(t))
	if *update {
		if err := os.WriteFile(name, []byte(before+generatedBegin+want+generatedEnd+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, old); diff != "" {
		t.Errorf("%s differs from the schema; run go test ./docs -update (-want +got):\n%s", name, diff)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
