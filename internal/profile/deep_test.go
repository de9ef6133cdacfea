package profile

import (
	"strings"
	"testing"
	"testing/fstest"
)

// TestDeepFiles nests as deep as a file of the largest size can. The parsers recurse, and a stack that is exhausted ends the process
// without an error.
func TestDeepFiles(t *testing.T) {
	tests := []struct{ name, file, before, unit, after string }{
		{"TOML arrays", pyprojectTOML, "a = ", "[", ""}, {"TOML tables", pyprojectTOML, "a = ", "{a=", ""},
		{"TOML keys", pyprojectTOML, "", "a.", "a = 1"}, {"TOML headers", pyprojectTOML, "[", "a.", "a]"},
		{"YAML lists", fileName, "", "[", ""}, {"YAML maps", fileName, "", "{a: ", ""}, {"YAML dashes", fileName, "", "- ", ""}, {"YAML keys", fileName, "", "? ", ""},
		{"YAML anchors", fileName, "", "&a [", ""}, {"JSON arrays", packageJSON, "", "[", ""}, {"JSON objects", packageJSON, "", `{"a":`, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			text := test.before + strings.Repeat(test.unit, (ManifestLimit-len(test.before+test.after))/len(test.unit)) + test.after
			project := fstest.MapFS{"package-lock.json": {}, "requirements.txt": {}, fileName: {Data: []byte("base: a\nprofile: node\n")}}
			project[test.file] = &fstest.MapFile{Data: []byte(text)}
			opts := Options{Base: "a"}
			if test.file == pyprojectTOML {
				opts.Profile = "python"
			}
			_, err := Load(project, opts)
			checkFault(t, err, test.file)
			if err == nil && test.file != pyprojectTOML {
				t.Error("no error")
			}
		})
	}
}
