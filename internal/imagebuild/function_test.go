package imagebuild_test

import (
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/containerd/platforms"
	"github.com/google/go-cmp/cmp"
	bkllb "github.com/moby/buildkit/client/llb"
	"github.com/opencontainers/go-digest"

	"github.com/rtbuild/rtbuild/internal/imagebuild"
	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/internal/profile/releases"
	"github.com/rtbuild/rtbuild/internal/testkit/fakegateway"
	"github.com/rtbuild/rtbuild/llb"
	"github.com/rtbuild/rtbuild/tags/labels"
)

const (
	base      = "docker.io/library/debian:bookworm"
	lockRef   = "r.example.com/agent:lock"
	sourceRef = "r.example.com/agent:source"
)

// Configs of the images that a build may enter on.
const (
	baseConfig = `{"architecture":"amd64","os":"linux","created":"2024-01-02T03:04:05Z","config":{"Env":["PATH=/usr/bin:/bin"],"Cmd":["bash"]},` +
		`"rootfs":{"type":"layers","diff_ids":["sha256:1","sha256:2"]},"history":[{"created_by":"one"},{"created_by":"two"}]}`
	lockConfig = `{"architecture":"amd64","os":"linux","created":"2024-01-02T03:04:05Z","config":{"Env":["PATH=/usr/bin:/bin"],"Labels":{` +
		`"io.rtbuild.stage":"deps","io.rtbuild.user.uid":"4000","io.rtbuild.user.gid":"5000","io.rtbuild.tools.layers":"2","io.rtbuild.tools.digest":"tools"}},` +
		`"rootfs":{"type":"layers","diff_ids":["sha256:1","sha256:2","sha256:3"]},"history":[{"created_by":"one"},{"created_by":"two"},{"created_by":"deps"}]}`
	foreignConfig = `{"architecture":"amd64","os":"linux","config":{"Env":["PATH=/usr/bin:/bin"]},"rootfs":{"type":"layers","diff_ids":["sha256:1"]}}`
	armConfig     = `{"architecture":"arm64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":["sha256:1"]}}`
)

// debian is what the build looks at in its base.
func debian() fstest.MapFS {
	return fstest.MapFS{
		"bin/sh":                 {Mode: 0o755},
		"usr/bin/apt-get":        {Mode: 0o755},
		"usr/bin/dpkg":           {Mode: 0o755},
		"etc/os-release":         {Data: []byte("ID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\nPRETTY_NAME=\"Debian 12\"\n")},
		"etc/passwd":             {Data: []byte("root:x:0:0:root:/root:/bin/sh\n")},
		"etc/group":              {Data: []byte("root:x:0:\n")},
		"etc/apt/sources.list":   {Data: []byte("# deb http://old.example.com/debian x\ndeb http://deb.debian.org/debian bookworm main\n")},
		"lib/x86_64-linux-gnu/x": {},
	}
}

// scene is a request, and the builder that answers it.
type scene struct {
	*fakegateway.Client
	imagebuild.Request
	base    fstest.MapFS
	failing map[string]error // by the operation that fails
	stages  []string         // that were told before they were made
}

func newScene() *scene {
	s := &scene{Client: fakegateway.New(), base: debian(), failing: map[string]error{}}
	s.Images = map[string]fakegateway.Image{
		base: {Config: baseConfig}, lockRef: {Config: lockConfig}, sourceRef: {Config: strings.ReplaceAll(lockConfig, `"deps"`, `"source"`)},
	}
	s.Files = func(solve fakegateway.Solve) (fs.FS, error) {
		if solve.IsImage() {
			return s.base, s.failing["base"]
		}
		return nil, solve.Failure(s.failing)
	}
	s.Request = imagebuild.Request{
		Runtime: &llb.Runtime{
			Profile: "node", Base: "debian:bookworm", Version: "1.0.0", Prefix: "/agent",
			Interpreter: llb.Interpreter{Name: "node", Version: "22"}, User: llb.User{Name: "agent", UID: 1000, GID: 1000},
			Packages: []llb.Packages{{"": {"git"}}}, Installer: llb.NPM{}, Releases: releases.All(), Source: []string{"."}, Cmd: []string{"node", "server.js"},
		},
		Platform: platforms.MustParse("linux/amd64"), Stage: plan.StageSource, Variant: plan.Scratch, Entry: imagebuild.EntryImage{Ref: "debian:bookworm"},
		Tree: "tree", Tools: "tools", DepsDigest: "deps",
		LockFiles: bkllb.Local("lockfiles"), Source: bkllb.Local("source"),
		OnStageDefined: func(def *bkllb.Definition) {
			vertices, err := fakegateway.Vertices(def.ToPB())
			if err != nil {
				panic(err)
			}
			s.stages = append(s.stages, fakegateway.Solve{Vertices: vertices}.Stages())
		},
	}
	return s
}

// on lets the build enter on an image.
func (s *scene) on(variant plan.Variant, ref string) { s.Variant, s.Entry.Ref = variant, ref }

// pin is the digest in a reference.
var pin = regexp.MustCompile(`@sha256:\w+`)

// solved tells of each solve what it is about: the image, the stages on it, and whether it was made at once.
func (s *scene) solved() []string {
	var all []string
	for _, solve := range s.Solves() {
		text := pin.ReplaceAllString(solve.Image(), "") + ": " + solve.Stages()
		if solve.Evaluate {
			text += " now"
		}
		all = append(all, text)
	}
	return all
}

// TestBuild: where a build enters, what it resolves, and what it makes of which stages.
func TestBuild(t *testing.T) {
	look, lock := base+":  now", lockRef+": source"
	upToDeps := base + ": system tools deps now"
	tests := []struct {
		name   string
		change func(*scene)
		asked  []string // for which images
		solved []string
		stage  string // the label
	}{
		{name: "from scratch", asked: []string{base}, solved: []string{look, upToDeps, base + ": system tools deps source"}, stage: "source"},
		{name: "on a deps image (lock)", change: func(s *scene) { s.on(plan.Lock, lockRef) }, asked: []string{lockRef}, solved: []string{lock}, stage: "source"},
		{name: "an extra command is run at once", change: func(s *scene) { s.on(plan.Lock, lockRef); s.Runtime.Extra = "true" }, asked: []string{lockRef},
			solved: []string{lockRef + ": source extra now"}, stage: "source"},
		{name: "a deps image", change: func(s *scene) { s.Stage = plan.StageDeps }, asked: []string{base}, solved: []string{look, upToDeps}, stage: "deps"},
		{name: "tools", change: func(s *scene) { s.Stage = llb.StageTools }, asked: []string{base}, solved: []string{look, base + ": system tools now"}, stage: "tools"},
		{name: "system", change: func(s *scene) { s.Stage = llb.StageSystem }, asked: []string{base}, solved: []string{look, base + ": system now"}, stage: "system"},
		{name: "on the first layers of an earlier image", change: func(s *scene) { s.on(plan.Versioned, lockRef) }, asked: []string{lockRef},
			solved: []string{lockRef + " layers=2: deps now", lockRef + " layers=2: deps source"}, stage: "source"},
		{name: "a deps image on an earlier one", change: func(s *scene) { s.on(plan.Versioned, lockRef); s.Stage = plan.StageDeps }, asked: []string{lockRef},
			solved: []string{lockRef + " layers=2: deps now"}, stage: "deps"},
		{name: "on an image that rtbuild did not make", change: func(s *scene) {
			s.on(plan.Versioned, lockRef)
			s.Images[lockRef] = fakegateway.Image{Config: foreignConfig}
		}, asked: []string{lockRef}, solved: []string{lockRef + ": source deps now", lockRef + ": source deps"}, stage: "source"},
		{name: "a deps image (lock) that rtbuild did not make", change: func(s *scene) {
			s.on(plan.Lock, lockRef)
			s.Images[lockRef] = fakegateway.Image{Config: foreignConfig}
		}, asked: []string{lockRef}, solved: []string{lock}, stage: "source"},
		{name: "what exists", change: func(s *scene) { s.on(plan.None, sourceRef) }, asked: []string{sourceRef}, solved: []string{sourceRef + ": "}, stage: "source"},
		{name: "a deps image that exists", change: func(s *scene) { s.on(plan.None, lockRef); s.Stage = plan.StageDeps }, asked: []string{lockRef},
			solved: []string{lockRef + ": "}, stage: "deps"},
		{name: "an image whose config is known", change: func(s *scene) {
			s.on(plan.Lock, lockRef)
			s.Entry.Config, s.Entry.Digest = []byte(lockConfig), digest.FromString(lockConfig)
		}, solved: []string{lock}, stage: "source"},
		{name: "an image in no registry", change: func(s *scene) {
			state := bkllb.Scratch().File(bkllb.Mkdir("/x", 0o755), bkllb.WithCustomName("[other] make it"))
			s.on(plan.Lock, "deps")
			s.Entry.State, s.Entry.Config = &state, []byte(lockConfig)
		}, solved: []string{": other source"}, stage: "source"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene()
			if tt.change != nil {
				tt.change(s)
			}
			img, err := imagebuild.Build(t.Context(), s, s.Request)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(s.Refs(), tt.asked) {
				t.Errorf("asked for %q, want %q", s.Refs(), tt.asked)
			}
			if diff := cmp.Diff(tt.solved, s.solved()); diff != "" {
				t.Errorf("solved (-want +got):\n%s", diff)
			}
			if got := img.Config.Config.Labels[labels.Stage]; got != tt.stage {
				t.Errorf("the image is of stage %q, not %q", got, tt.stage)
			}
			if ref, ok := img.Ref.(*fakegateway.Reference); !ok || ref.Solve.Definition != s.Solves()[len(s.Solves())-1].Definition {
				t.Errorf("the image is %v, not what was solved last", img.Ref)
			}
		})
	}
}
