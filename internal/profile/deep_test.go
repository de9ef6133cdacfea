package profile

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rtbuild/rtbuild/internal/profile/manifests"
	"github.com/rtbuild/rtbuild/internal/projectfile"
	"github.com/rtbuild/rtbuild/internal/runtimefile"
	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
)

// TestDeepFiles nests as deep as a file of the largest size can. The parsers recurse, and a stack that is exhausted ends the process
// without an error.
func TestDeepFiles(t *testing.T) {
	tests := []struct{ name, file, before, unit, after string }{
		{"TOML arrays", manifests.PyprojectTOML, "a = ", "[", ""}, {"TOML tables", manifests.PyprojectTOML, "a = ", "{a=", ""},
		{"TOML keys", manifests.PyprojectTOML, "", "a.", "a = 1"}, {"TOML headers", manifests.PyprojectTOML, "[", "a.", "a]"},
		{"YAML lists", runtimefile.Name, "", "[", ""}, {"YAML maps", runtimefile.Name, "", "{a: ", ""}, {"YAML dashes", runtimefile.Name, "", "- ", ""}, {"YAML keys", runtimefile.Name, "", "? ", ""},
		{"YAML anchors", runtimefile.Name, "", "&a [", ""}, {"JSON arrays", manifests.PackageJSON, "", "[", ""}, {"JSON objects", manifests.PackageJSON, "", `{"a":`, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			text := test.before + strings.Repeat(test.unit, (projectfile.ManifestLimit-len(test.before+test.after))/len(test.unit)) + test.after
			project := fstest.MapFS{"package-lock.json": {}, "requirements.txt": {}, runtimefile.Name: {Data: []byte("base: a\nprofile: node\n")}}
			project[test.file] = &fstest.MapFile{Data: []byte(text)}
			opts := Options{Base: "a"}
			if test.file == manifests.PyprojectTOML {
				opts.Profile = "python"
			}
			_, err := Load(project, opts)
			projecttest.CheckFault(t, err, test.file)
			if err == nil && test.file != manifests.PyprojectTOML {
				t.Error("no error")
			}
		})
	}
}
