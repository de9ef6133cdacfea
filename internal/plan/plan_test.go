package plan_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"

	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/tags"
	"github.com/rtbuild/rtbuild/tags/labels"
)

const (
	dgst = digest.Digest("sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
	base = digest.Digest("sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb")
)

const baseName = "org.opencontainers.image.base.name"

var images = tags.Images{Lock: "r:lock", Versioned: "r:versioned", Source: "r:source"}

// image returns an image that rtbuild made from the current base, recipe, tools and source. Pairs of label and value change
// its labels.
func image(ref, stage string, pairs ...string) *plan.Image {
	own := map[string]string{
		labels.Stage: stage, labels.ToolsDigest: "tools", labels.DepsDigest: "deps", labels.SourceDigest: "tree", labels.Recipe: "5",
		baseName: "docker.io/library/debian:bookworm", "org.opencontainers.image.base.digest": base.String(),
	}
	for i := 0; i < len(pairs); i += 2 {
		own[pairs[i]] = pairs[i+1]
	}
	return &plan.Image{Reference: ref, Digest: dgst, Labels: own}
}

func foreign(ref string) *plan.Image { return &plan.Image{Reference: ref, Digest: dgst} }

func list(images ...*plan.Image) []*plan.Image { return images }

func TestMake(t *testing.T) {
	source := image("r:source", plan.StageSource)
	lock := image("r:lock", plan.StageDeps)
	versioned := image("r:versioned", plan.StageDeps)
	older := image("r:lock", plan.StageDeps, labels.Recipe, "4")
	unlabelled := image("r:lock", plan.StageDeps, labels.DepsDigest, "")
	moved := image("r:lock", plan.StageDeps, "org.opencontainers.image.base.digest", "sha256:old")
	all := []string{"r:lock", "r:versioned", "r:source"}
	exists := func(source, lock, versioned plan.State) map[string]plan.State {
		return map[string]plan.State{"source": source, "lock": lock, "versioned": versioned}
	}
	tests := []struct {
		name    string
		in      plan.Input
		want    plan.Plan
		wantErr string
	}{
		{
			name: "nothing exists",
			want: plan.Plan{
				Variant: plan.Scratch, From: "debian:bookworm@" + base.String(), Reason: "no deps image under the lock tag or the versioned tag",
				Exists: exists("absent", "absent", "absent"), Publish: all,
			},
		},
		{
			name: "all exist", in: plan.Input{Source: source, Lock: list(lock), Versioned: list(versioned)},
			want: plan.Plan{
				Variant: plan.None, From: "r:source@" + dgst.String(), Entry: source, Reason: "the source image exists",
				Exists: exists("fresh", "fresh", "fresh"),
			},
		},
		{
			name: "lock", in: plan.Input{Lock: list(lock), Versioned: list(versioned)},
			want: plan.Plan{
				Variant: plan.Lock, From: "r:lock@" + dgst.String(), Entry: lock,
				Reason: "no source image; the deps image of these lock files exists",
				Exists: exists("absent", "fresh", "fresh"), Publish: []string{"r:source"},
			},
		},
		{
			name: "versioned", in: plan.Input{Versioned: list(versioned)},
			want: plan.Plan{
				Variant: plan.Versioned, From: "r:versioned@" + dgst.String(), Entry: versioned,
				Reason: "no deps image under the lock tag; a deps image of this base and version exists",
				Exists: exists("absent", "absent", "fresh"), Publish: []string{"r:lock", "r:source"},
			},
		},
		{
			name: "the source image holds other files",
			in:   plan.Input{Source: image("r:source", plan.StageSource, labels.SourceDigest, "other"), Lock: list(lock)},
			want: plan.Plan{
				Variant: plan.Lock, From: "r:lock@" + dgst.String(), Entry: lock,
				Reason: "the source image is stale: its source files differ; the deps image of these lock files exists",
				Exists: exists("stale", "fresh", "absent"), Publish: []string{"r:source"},
			},
		},
		{
			name: "the source image has a command, the runtime none",
			in:   plan.Input{Source: image("r:source", plan.StageSource, labels.Command, `["npm","start"]`), Lock: list(lock)},
			want: plan.Plan{
				Variant: plan.Lock, From: "r:lock@" + dgst.String(), Entry: lock,
				Reason: "the source image is stale: its command differs; the deps image of these lock files exists",
				Exists: exists("stale", "fresh", "absent"), Publish: []string{"r:source"},
			},
		},
		{
			name: "the source image has another command",
			in:   plan.Input{Source: source, Lock: list(lock), Cmd: []string{"node", "b.js"}},
			want: plan.Plan{
				Variant: plan.Lock, From: "r:lock@" + dgst.String(), Entry: lock,
				Reason: "the source image is stale: its command differs; the deps image of these lock files exists",
				Exists: exists("stale", "fresh", "absent"), Publish: []string{"r:source"},
			},
		},
		{
			name: "the original made the source image",
			in:   plan.Input{Source: foreign("r:source"), Lock: list(lock)},
			want: plan.Plan{
				Variant: plan.Lock, From: "r:lock@" + dgst.String(), Entry: lock,
				Reason: "the source image is stale: it has no label for its source files; the deps image of these lock files exists",
				Exists: exists("stale", "fresh", "absent"), Publish: []string{"r:source"},
			},
		},
		{
			name: "the original made the deps image", in: plan.Input{Lock: list(foreign("r:lock")), Foreign: true},
			want: plan.Plan{
				Variant: plan.Lock, From: "r:lock@" + dgst.String(), Entry: foreign("r:lock"),
				Reason: "no source image; the deps image of these lock files exists",
				Exists: exists("absent", "fresh", "absent"), Publish: []string{"r:source"},
				Notes: []string{"r:lock was not made by rtbuild: its owner's ids are taken from the profile"},
			},
		},
		{
			name: "the original made a deps image with source and dependencies in one directory", in: plan.Input{Lock: list(foreign("r:lock"))},
			want: plan.Plan{
				Variant: plan.Scratch, From: "debian:bookworm@" + base.String(),
				Reason: "the deps image under the lock tag is stale: it was not made by rtbuild, and its source cannot be separated from its dependencies; no deps image under the versioned tag",
				Exists: exists("absent", "stale", "absent"), Publish: all,
			},
		},
		{
			name: "the original made the versioned deps image, perhaps from another base", in: plan.Input{Versioned: list(foreign("r:versioned"))},
			want: plan.Plan{
				Variant: plan.Scratch, From: "debian:bookworm@" + base.String(),
				Reason: "no deps image under the lock tag; the deps image under the versioned tag is stale: it was not made by rtbuild, and its base is unknown " +
					"(VERSIONED builds on it anyway)",
				Exists: exists("absent", "absent", "stale"), Publish: all,
			},
		},
		{
			name: "the original made the versioned deps image, and versioned is asked for", in: plan.Input{Versioned: list(foreign("r:versioned")), Variant: plan.Versioned},
			want: plan.Plan{
				Variant: plan.Versioned, From: "r:versioned@" + dgst.String(), Entry: foreign("r:versioned"),
				Reason: "no deps image under the lock tag; a deps image of this base and version exists",
				Exists: exists("absent", "absent", "fresh"), Publish: []string{"r:lock", "r:source"},
				Notes: []string{"r:versioned was not made by rtbuild: its base is unknown; the build keeps all of its layers, so layers pile up"},
			},
		},
		{
			name: "a source image under the lock tag", in: plan.Input{Lock: list(source), Versioned: list(source)},
			want: plan.Plan{
				Variant: plan.Scratch, From: "debian:bookworm@" + base.String(),
				Reason: "the deps image under the lock tag is stale: it is not a deps image; the deps image under the versioned tag is stale: it is not a deps image",
				Exists: exists("absent", "stale", "stale"), Publish: all,
			},
		},
		{
			name: "a versioned deps image with other packages",
			in:   plan.Input{Versioned: list(image("r:versioned", plan.StageDeps, labels.ToolsDigest, "other"))},
			want: plan.Plan{
				Variant: plan.Scratch, From: "debian:bookworm@" + base.String(),
				Reason: "no deps image under the lock tag; the deps image under the versioned tag is stale: its system packages, tools, user, environment or mirrors differ",
				Exists: exists("absent", "absent", "stale"), Publish: all,
			},
		},
		{
			name: "a second candidate", in: plan.Input{Versioned: list(image("r:versioned", plan.StageDeps, labels.ToolsDigest, "other"), versioned)},
			want: plan.Plan{
				Variant: plan.Versioned, From: "r:versioned@" + dgst.String(), Entry: versioned,
				Reason: "no deps image under the lock tag; a deps image of this base and version exists",
				Exists: exists("absent", "absent", "fresh"), Publish: []string{"r:lock", "r:source"},
			},
		},
		{
			name: "forced", in: plan.Input{Source: source, Lock: list(lock), Versioned: list(versioned), Force: true},
			want: plan.Plan{
				Variant: plan.Scratch, From: "debian:bookworm@" + base.String(), Reason: "rebuild forced",
				Exists: exists("fresh", "fresh", "fresh"), Publish: all,
			},
		},
		{
			name: "the base has moved", in: plan.Input{Lock: list(moved)},
			want: plan.Plan{
				Variant: plan.Lock, From: "r:lock@" + dgst.String(), Entry: moved,
				Reason: "no source image; the deps image of these lock files exists",
				Exists: exists("absent", "fresh", "absent"), Publish: []string{"r:source"},
				Notes: []string{"r:lock: base debian:bookworm has moved to " + base.String() + " (use PULL to rebuild it)"},
			},
		},
		{
			name: "the base has moved, and --pull", in: plan.Input{Lock: list(moved), Pull: true},
			want: plan.Plan{
				Variant: plan.Scratch, From: "debian:bookworm@" + base.String(),
				Reason: "the deps image under the lock tag is stale: base debian:bookworm has moved to " + base.String() + "; no deps image under the versioned tag",
				Exists: exists("absent", "stale", "absent"), Publish: all,
			},
		},
		{
			name: "an older recipe", in: plan.Input{Lock: list(older)},
			want: plan.Plan{
				Variant: plan.Lock, From: "r:lock@" + dgst.String(), Entry: older,
				Reason: "no source image; the deps image of these lock files exists",
				Exists: exists("absent", "fresh", "absent"), Publish: []string{"r:source"},
				Notes: []string{"r:lock: it was made by an older rtbuild (recipe 4, this one has 5) (use PULL to rebuild it)"},
			},
		},
		{
			name: "a newer recipe is reused, --pull or not",
			in:   plan.Input{Source: image("r:source", plan.StageSource, labels.Recipe, "6"), Pull: true},
			want: plan.Plan{
				Variant: plan.None, From: "r:source@" + dgst.String(), Entry: image("r:source", plan.StageSource, labels.Recipe, "6"),
				Reason: "the source image exists", Exists: exists("fresh", "absent", "absent"),
				Notes: []string{"r:source was made by a newer rtbuild (recipe 6, this one has 5)"},
			},
		},
		{
			name: "a deps image of other lock files under the same tag", in: plan.Input{Lock: list(image("r:lock", plan.StageDeps, labels.DepsDigest, "other"))},
			want: plan.Plan{
				Variant: plan.Scratch, From: "debian:bookworm@" + base.String(),
				Reason: "the deps image under the lock tag is stale: its lock files, base, mirrors or extra inputs differ; no deps image under the versioned tag",
				Exists: exists("absent", "stale", "absent"), Publish: all,
			},
		},
		{
			name: "a source image on another deps image",
			in:   plan.Input{Source: image("r:source", plan.StageSource, labels.DepsDigest, "other"), Lock: list(lock)},
			want: plan.Plan{
				Variant: plan.Lock, From: "r:lock@" + dgst.String(), Entry: lock,
				Reason: "the source image is stale: its lock files, base, mirrors or extra inputs differ; the deps image of these lock files exists",
				Exists: exists("stale", "fresh", "absent"), Publish: []string{"r:source"},
			},
		},
		{
			name: "a deps image that does not say what it was made from", in: plan.Input{Lock: list(unlabelled)},
			want: plan.Plan{
				Variant: plan.Lock, From: "r:lock@" + dgst.String(), Entry: unlabelled,
				Reason: "no source image; the deps image of these lock files exists",
				Exists: exists("absent", "fresh", "absent"), Publish: []string{"r:source"},
				Notes: []string{"r:lock has no label for the inputs of its dependencies, so its tag is trusted (use FORCE to rebuild it)"},
			},
		},
		{
			name: "a versioned deps image of another base", in: plan.Input{Versioned: list(image("r:versioned", plan.StageDeps, baseName, "docker.io/team-a/debian:bookworm"))},
			want: plan.Plan{
				Variant: plan.Scratch, From: "debian:bookworm@" + base.String(),
				Reason: "no deps image under the lock tag; the deps image under the versioned tag is stale: it was made from base docker.io/team-a/debian:bookworm, not docker.io/library/debian:bookworm",
				Exists: exists("absent", "absent", "stale"), Publish: all,
			},
		},
		{
			name: "a versioned deps image that does not name its base", in: plan.Input{Versioned: list(image("r:versioned", plan.StageDeps, baseName, ""))},
			want: plan.Plan{
				Variant: plan.Scratch, From: "debian:bookworm@" + base.String(),
				Reason: "no deps image under the lock tag; the deps image under the versioned tag is stale: it was made from base (unknown), not docker.io/library/debian:bookworm",
				Exists: exists("absent", "absent", "stale"), Publish: all,
			},
		},
		{
			name: "a deps image of an older rtbuild that entered on a deps image of another base",
			in:   plan.Input{Lock: list(image("r:lock", plan.StageDeps, labels.DepsDigest, "", baseName, "docker.io/other/debian:bookworm"))},
			want: plan.Plan{
				Variant: plan.Scratch, From: "debian:bookworm@" + base.String(),
				Reason: "the deps image under the lock tag is stale: it was made from base docker.io/other/debian:bookworm, not docker.io/library/debian:bookworm; no deps image under the versioned tag",
				Exists: exists("absent", "stale", "absent"), Publish: all,
			},
		},
		{
			name: "a moved base is reported once", in: plan.Input{
				Source: image("r:source", plan.StageSource, "org.opencontainers.image.base.digest", "sha256:old"), Lock: list(moved),
				Versioned: list(image("r:versioned", plan.StageDeps, "org.opencontainers.image.base.digest", "sha256:old")),
			},
			want: plan.Plan{
				Variant: plan.None, From: "r:source@" + dgst.String(), Entry: image("r:source", plan.StageSource, "org.opencontainers.image.base.digest", "sha256:old"),
				Reason: "the source image exists", Exists: exists("fresh", "fresh", "fresh"),
				Notes: []string{"r:source: base debian:bookworm has moved to " + base.String() + " (use PULL to rebuild it)"},
			},
		},
		{
			name: "a given deps image", in: plan.Input{Deps: "the context deps"},
			want: plan.Plan{
				Variant: plan.Lock, Reason: "no source image; the deps image is the context deps",
				Exists: exists("absent", "absent", "absent"), Publish: []string{"r:source"},
			},
		},
		{
			name: "a given deps image, and the source image exists", in: plan.Input{Deps: "the context deps", Source: source},
			want: plan.Plan{
				Variant: plan.None, From: "r:source@" + dgst.String(), Entry: source, Reason: "the source image exists",
				Exists: exists("fresh", "absent", "absent"),
			},
		},
		{
			name: "lock asked for with a given deps image, and the source image exists",
			in:   plan.Input{Deps: "the context deps", Source: source, Variant: plan.Lock},
			want: plan.Plan{
				Variant: plan.Lock, Reason: "asked for; the deps image is the context deps",
				Exists: exists("fresh", "absent", "absent"), Publish: []string{"r:source"},
			},
		},
		{
			name: "versioned asked for", in: plan.Input{Source: source, Lock: list(lock), Versioned: list(versioned), Variant: plan.Versioned},
			want: plan.Plan{
				Variant: plan.Versioned, From: "r:versioned@" + dgst.String(), Entry: versioned, Reason: "asked for",
				Exists: exists("fresh", "fresh", "fresh"), Publish: []string{"r:lock", "r:source"},
			},
		},
		{
			name: "lock asked for", in: plan.Input{Source: source, Lock: list(lock), Variant: plan.Lock},
			want: plan.Plan{
				Variant: plan.Lock, From: "r:lock@" + dgst.String(), Entry: lock, Reason: "asked for",
				Exists: exists("fresh", "fresh", "absent"), Publish: []string{"r:source"},
			},
		},
		{
			name: "scratch asked for", in: plan.Input{Source: source, Variant: plan.Scratch},
			want: plan.Plan{
				Variant: plan.Scratch, From: "debian:bookworm@" + base.String(), Reason: "asked for",
				Exists: exists("fresh", "absent", "absent"), Publish: all,
			},
		},
		{name: "lock asked for, and absent", in: plan.Input{Variant: plan.Lock}, wantErr: "variant lock cannot be built: no deps image under the lock tag"},
		{
			name: "none asked for, and stale", in: plan.Input{Source: foreign("r:source"), Variant: plan.None},
			wantErr: "variant none cannot be built: the source image is stale",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			in := test.in
			in.Tags, in.Base, in.BaseDigest = tags.Set{Images: images}, "debian:bookworm", base
			in.Tree, in.Tools, in.DepsDigest, in.Recipe = "tree", "tools", "deps", 5
			in.Spelling = plan.Spelling{Force: "FORCE", Pull: "PULL", Versioned: "VERSIONED"}
			got, err := plan.Make(in)
			if test.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), test.wantErr) {
					t.Fatalf("error %v, want %q", err, test.wantErr)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
