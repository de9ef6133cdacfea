package tags

import "testing"

// TestBuildTag checks that only a runtime with a build command has a build image, and that the command changes no other name by itself.
func TestBuildTag(t *testing.T) {
	root := tree(t, file("package.json", "{}"))
	in := Inputs{Base: "debian:bookworm", Repository: "r.example.com/a", Version: "1.0.0", LockFiles: []string{"package.json"}, Source: wholeTree}
	without, _, err := Compute(t.Context(), root, in)
	must(t, err)
	in.Build = true
	with, _, err := Compute(t.Context(), root, in)
	must(t, err)
	if without.Build != "" || without.Images.Build != "" {
		t.Errorf("without a build command: %+v", without)
	}
	if with.Build != with.Lock+"_build" || with.Images.Build != "r.example.com/a:"+with.Lock+"_build" {
		t.Errorf("with a build command: %+v", with)
	}
	if with.Build, with.Images.Build = "", ""; with != without {
		t.Errorf("got %+v, and without a build command %+v", with, without)
	}
}
