package plan_test

import (
	"slices"
	"testing"

	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/tags"
	"github.com/rtbuild/rtbuild/tags/labels"
)

// TestUntested checks that an image whose tests were left out counts only for those who leave them out.
func TestUntested(t *testing.T) {
	for name, tt := range map[string]struct {
		pairs []string
		tests bool
		want  plan.State
	}{
		"tested":                 {nil, true, plan.Fresh},
		"not tested":             {[]string{labels.Untested, "true"}, true, plan.Stale},
		"not tested, as asked":   {[]string{labels.Untested, "true"}, false, plan.Fresh},
		"there is nothing to do": {nil, false, plan.Fresh},
	} {
		t.Run(name, func(t *testing.T) {
			in := plan.Input{Tags: tags.Set{Images: images}, Base: "debian:bookworm", Tree: "tree", Tools: "tools", DepsDigest: "deps", Recipe: 5,
				Source: image("r:source", plan.StageSource, tt.pairs...), Tests: tt.tests}
			got, err := plan.Make(in)
			if err != nil || got.Exists["source"] != tt.want {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

// TestBuildImage checks when a build command runs on an existing build image, and when one is published.
func TestBuildImage(t *testing.T) {
	lock := list(image("r:lock", plan.StageDeps))
	const build = "r:build@" + string(dgst)
	for _, tt := range []struct {
		name    string
		in      plan.Input
		exists  plan.State
		from    string
		publish []string
	}{
		{"nothing exists", plan.Input{}, plan.Absent, "", []string{"r:lock", "r:versioned", "r:build", "r:source"}},
		{"a deps image", plan.Input{Lock: lock}, plan.Absent, "", []string{"r:build", "r:source"}},
		{"on tools", plan.Input{Versioned: lock}, plan.Absent, "", []string{"r:lock", "r:build", "r:source"}},
		{"both", plan.Input{Lock: lock, Build: image("r:build", plan.StageBuild)}, plan.Fresh, build, []string{"r:source"}},
		{"a build image alone", plan.Input{Build: image("r:build", plan.StageBuild)}, plan.Fresh, build, []string{"r:lock", "r:versioned", "r:source"}},
		{"of other lock files", plan.Input{Lock: lock, Build: image("r:build", plan.StageBuild, labels.DepsDigest, "others")}, plan.Stale, "", []string{"r:build", "r:source"}},
		{"of another base", plan.Input{Lock: lock, Build: image("r:build", plan.StageBuild, baseName, "other")}, plan.Stale, "", []string{"r:build", "r:source"}},
		{"another kind of image", plan.Input{Lock: lock, Build: image("r:build", plan.StageDeps)}, plan.Stale, "", []string{"r:build", "r:source"}},
		{"of an older base, with pull", plan.Input{Lock: lock, Build: image("r:build", plan.StageBuild, "org.opencontainers.image.base.digest", "sha256:old"), Pull: true},
			plan.Stale, "", []string{"r:build", "r:source"}},
		{"forced", plan.Input{Lock: lock, Build: image("r:build", plan.StageBuild), Force: true}, plan.Stale, "", []string{"r:lock", "r:versioned", "r:build", "r:source"}},
		{"only deps", plan.Input{Stage: plan.StageDeps}, plan.Absent, "", []string{"r:lock", "r:versioned"}},
		{"nothing to do", plan.Input{Source: image("r:source", plan.StageSource), Build: image("r:build", plan.StageBuild)}, plan.Fresh, "", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := tt.in
			all := images
			all.Build = "r:build"
			in.Tags, in.Base, in.BaseDigest = tags.Set{Build: "build", Images: all}, "debian:bookworm", base
			in.Tree, in.Tools, in.DepsDigest, in.Recipe = "tree", "tools", "deps", 5
			got, err := plan.Make(in)
			if err != nil {
				t.Fatal(err)
			}
			if got.Exists["build"] != tt.exists || got.Build != tt.from || !slices.Equal(got.Publish, tt.publish) {
				t.Errorf("it is %s, runs on %q, publishes %q", got.Exists["build"], got.Build, got.Publish)
			}
			if again := got.JSON().Plan(); again.Build != got.Build {
				t.Errorf("JSON has %q", again.Build)
			}
		})
	}
}
