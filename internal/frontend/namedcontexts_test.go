package frontend_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/testkit/fakegateway"
	"github.com/rtbuild/rtbuild/tags/labels"
)

// TestNamedContexts: an image that is given as a context takes the place of the base, or of the deps image, which then is not looked for.
func TestNamedContexts(t *testing.T) {
	const other = "docker.io/library/debian:trixie"
	layout := digest.FromString("layout")
	target := func(s *scene, name string) { // gives the result of another target
		s.loads["[other] make it"] = s.base
		s.Targets["other"] = llb.Scratch().File(llb.Mkdir("/x", 0o755), llb.WithCustomName("[other] make it"))
		meta, err := json.Marshal(map[string][]byte{exptypes.ExporterImageConfigKey: []byte(s.Images[debian].Config)})
		if err != nil {
			panic(err)
		}
		s.set("context:"+name, "input:other", "input-metadata:other", string(meta))
	}
	tests := []struct {
		name   string
		change func(*scene)
		asked  string
		plan   string
		enters string // part of a source, or of a name, of what is built
		base   string // the label
		err    string
	}{
		{name: "a base in a registry", change: func(s *scene) {
			s.Images[other] = s.Images[debian]
			s.set("context:base", "docker-image://debian:trixie")
		}, asked: "source lock versioned " + other, plan: "scratch", enters: other, base: other},
		{name: "a base in a layout", change: func(s *scene) {
			s.Images["docker.io/library/base@"+layout.String()] = fakegateway.Image{Config: debianConfig, Digest: layout}
			s.set("context:base", "oci-layout://store@"+layout.String())
		}, asked: "source lock versioned LAYOUT LAYOUT", plan: "scratch", enters: "oci-layout://docker.io/library/base@" + layout.String(), base: debian},
		{name: "a base of another target", change: func(s *scene) { target(s, "base") }, asked: "source lock versioned", plan: "scratch", enters: "[other] make it", base: debian},
		{name: "a base, where nothing is built on it", change: func(s *scene) { target(s, "base"); s.exists("lock") }, asked: "source lock", plan: "lock", enters: "[base] r.example.com"},
		{name: "a base for another platform alone", change: func(s *scene) { s.set("context:base::linux/arm64", "docker-image://debian:trixie") },
			asked: "source lock versioned base", plan: "scratch", enters: debian, base: debian},
		{name: "a base for this platform", change: func(s *scene) {
			s.Images[other] = s.Images[debian]
			s.set("context:base::linux/amd64", "docker-image://debian:trixie", "context:base", "docker-image://debian:sid")
		}, asked: "source lock versioned " + other, plan: "scratch", enters: other, base: other},
		{name: "a deps image in a registry", change: func(s *scene) {
			s.publish("deps", other, nil)
			s.set("context:deps", "docker-image://debian:trixie")
		}, asked: "source " + other, plan: "lock", enters: other},
		{name: "a deps image of another target", change: func(s *scene) { target(s, "deps") }, asked: "source", plan: "lock", enters: "[other] make it"},
		{name: "a deps image that is not needed", change: func(s *scene) { target(s, "deps"); s.exists("source") }, asked: "source", plan: "none", enters: "[base] r.example.com"},
		{name: "a deps image is no directory", change: func(s *scene) { s.set("context:deps", "local:dir") }, err: "context deps=local:dir is not an image"},
		{name: "a base is no repository", change: func(s *scene) { s.set("context:base", "https://example.com/a.git", "build-arg:FORCE_REBUILD", "1") },
			err: "context base=https://example.com/a.git is not an image"},
		{name: "a layout without a digest", change: func(s *scene) { s.set("context:deps", "oci-layout://store:tag") }, err: "digest"},
		{name: "a target that gives no image", change: func(s *scene) { target(s, "deps"); s.set("input-metadata:other", "{}") }, err: "target other produces no image"},
		{name: "a target that is not there", change: func(s *scene) { target(s, "deps"); delete(s.Targets, "other") }, err: "loading context deps"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene(t)
			tt.change(s)
			res, err := s.build()
			if tt.err != "" || err != nil {
				if err == nil || tt.err == "" || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("got %v", err)
				}
				return
			}
			names := s.again().set("context:deps", "", "context:base", s.Options.Opts["context:base"]).names()
			var asked []string
			for _, ref := range s.Refs() {
				asked = append(asked, strings.Replace(short(names, ref), "docker.io/library/base", "LAYOUT", 1))
			}
			if got := strings.Join(asked, " "); got != tt.asked {
				t.Errorf("asked for %q, want %q", got, tt.asked)
			}
			if planned := s.planned(); len(planned) != 1 || !strings.HasPrefix(planned[0], tt.plan+": ") {
				t.Errorf("planned %q", planned)
			}
			if begins := slices.Concat(s.image().Sources(), s.image().Names()); !slices.ContainsFunc(begins, func(text string) bool { return strings.Contains(text, tt.enters) }) {
				t.Errorf("the image begins with none of %q", begins)
			}
			own := config(t, res, "").Config.Labels
			if tt.base != "" && own[ocispecs.AnnotationBaseImageName] != tt.base || own[labels.Stage] != "source" {
				t.Errorf("labels %v", own)
			}
		})
	}
}

// TestSourceContext: another directory takes the place of the build context. The runtime file still comes from there.
func TestSourceContext(t *testing.T) {
	s := newScene(t).set("context:source", "local:elsewhere")
	own := s.names()
	s.put("server.js", "console.log(2)\n")
	if again := s.names(); again.Source == own.Source {
		t.Errorf("the source does not count: %s", again.Source)
	}
	s.must()
	locals := map[string]bool{}
	for _, solve := range s.Solves() {
		for _, source := range solve.Sources() {
			locals[source] = true
		}
	}
	if !locals["local://elsewhere"] || !locals["local://dockerfile"] || locals["local://context"] {
		t.Errorf("read %v", locals)
	}
}

// TestContextsThatAreNoProject: a file from the web is no project, unless it is an archive.
func TestContextsThatAreNoProject(t *testing.T) {
	for _, tt := range []struct{ name, option, text string }{
		{"the build context", "context", "is a single file, not a project"},
		{"the source", "context:source", "is a single file, not a project"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene(t)
			file := fstest.MapFS{"context": {Data: []byte("base: debian:bookworm\n")}}
			s.loads["[internal] load remote build context"] = file
			s.loads["[context source] https://example.com/a.yaml"] = file
			s.set(tt.option, "https://example.com/a.yaml")
			if _, err := s.build(); err == nil || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("got %v", err)
			}
		})
	}
}
