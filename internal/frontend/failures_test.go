package frontend_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"
	apipb "github.com/moby/buildkit/util/apicaps/pb"

	"github.com/rtbuild/rtbuild/internal/testkit/fakegateway"
)

// position is the line that an error points at, as FILE:LINE; empty if it points nowhere.
func position(err error) string {
	sources := errdefs.Sources(err)
	if len(sources) == 0 || len(sources[0].Ranges) == 0 {
		return ""
	}
	return fmt.Sprintf("%s:%d", sources[0].Info.Filename, sources[0].Ranges[0].Start.Line)
}

// TestFailures: what is wrong, the line that it is told at, and how many images were asked for until then.
func TestFailures(t *testing.T) {
	option := func(pairs ...string) func(*scene) { return func(s *scene) { s.set(pairs...) } }
	lookup := func(role string, err error) func(*scene) {
		return func(s *scene) {
			ref := map[string]string{"source": s.names().Images.Source, "lock": s.names().Images.Lock}[role]
			s.Images[ref] = fakegateway.Image{Err: err}
		}
	}
	tests := []struct {
		name   string
		change func(*scene)
		text   string
		at     string
		asked  string // "*" is several side by side
	}{
		{name: "an unknown target", change: option("target", "prod"), text: `unknown target "prod": it is one of source, deps, build, tools, system, extra, test, tags, plan`},
		{name: "a label of ours", change: option("label:io.rtbuild.stage", "deps"), text: "label io.rtbuild.stage is rtbuild's own"},
		{name: "a variant that is none", change: option("build-arg:VARIANT", "fast"), text: "VARIANT"},
		{name: "a switch that is none", change: option("build-arg:FORCE_REBUILD", "maybe"), text: "FORCE_REBUILD"},
		{name: "a time that is none", change: option("build-arg:SOURCE_DATE_EPOCH", "today"), text: "SOURCE_DATE_EPOCH"},
		{name: "a repository with a tag", change: option("build-arg:REUSE_FROM", "x.example.com/a:b"), text: "REUSE_FROM"},
		{name: "a base that is none, as an argument", change: option("build-arg:BASE_IMAGE", "A B"), text: `invalid build argument BASE_IMAGE "A B": invalid reference format`},
		{name: "a profile that is none, as an argument", change: option("build-arg:PROFILE", "cobol"), text: "cobol"},
		{name: "the provenance shows a password", change: option("attest:provenance", "mode=max", "build-arg:HTTP_PROXY", "http://me:HUNTER2@proxy"), text: "HTTP_PROXY"},
		{name: "an attestation that is none", change: option("attest:sbom", "generator=A B"), text: "scanner A B"},
		{name: "plans that cannot be read", change: option("rtbuild.plans", "{"), text: "rtbuild.plans"},

		{name: "no runtime file", change: option("filename", "other.yaml"), text: "no such runtime file"},
		{name: "a Dockerfile", change: func(s *scene) { s.put("runtime.yaml", "# syntax=x\n\nFROM debian\n") }, text: "is a Dockerfile", at: "runtime.yaml:3"},
		{name: "an unknown field", change: func(s *scene) { s.put("runtime.yaml", "base: debian:bookworm\n\ncolour: red\n") }, text: "colour", at: "runtime.yaml:3"},
		{name: "a manifest that is no JSON", change: func(s *scene) { s.put("package.json", "{\n") }, text: "package.json", at: "package.json:1"},
		{name: "a lock file out of step", change: func(s *scene) {
			s.put("package.json", "{\"name\":\"agent\",\"version\":\"1.2.3\",\n\"dependencies\": {\"a\": \"1.0.0\",\n\"b\": \"1.0.0\"}}")
		}, text: `npm ci fails: package-lock.json does not agree with package.json: a is "1.0.0", but is not in the lock file; b is "1.0.0"`, at: "package.json:2",
			asked: "source lock versioned"},
		{name: "no repository", change: func(s *scene) { s.put("runtime.yaml", "base: debian:bookworm\n") }, text: "no repository", at: "runtime.yaml:1"},
		{name: "no lock file", change: func(s *scene) { _ = os.Remove(filepath.Join(s.project, "package-lock.json")) }, text: "package-lock.json"},
		{name: "a frontend that does not run as an image", change: func(s *scene) { s.Self = nil }, text: "use BuildKit v0.19.0 or newer"},

		{name: "the source image is denied", change: lookup("source", fakegateway.ErrDenied), text: "looking for the source image", at: "runtime.yaml:3", asked: "source"},
		{name: "the deps image (lock) is unreachable", change: lookup("lock", fakegateway.ErrUnreachable), text: "looking for the deps image", at: "runtime.yaml:3", asked: "source lock"},
		{name: "a registry that stumbles", change: lookup("lock", fakegateway.ErrUnavailable), text: "503", at: "runtime.yaml:3", asked: "source lock"},
		{name: "another repository is denied", change: func(s *scene) {
			s.set("build-arg:REUSE_FROM", "x.example.com/a")
			s.Images["x.example.com/a:"+s.names().Lock] = fakegateway.Image{Err: fakegateway.ErrDenied}
		}, text: "REUSE_FROM", asked: "source lock x.example.com/a:lock"},
		{name: "a broken image", change: func(s *scene) {
			s.Images[s.names().Images.Lock] = fakegateway.Image{Config: strings.Replace(debianConfig, "amd64", "s390x", 1)}
		}, text: "is broken", at: "runtime.yaml:3", asked: "source lock"},
		{name: "a config that is none", change: func(s *scene) { s.Images[s.names().Images.Lock] = fakegateway.Image{Config: "no JSON"} }, text: "reading an image config", asked: "source lock"},
		{name: "the variant cannot be entered", change: option("build-arg:VARIANT", "none"), text: "variant none cannot be built", asked: "*"},
		{name: "the base needs to be had", change: func(s *scene) { s.set("build-arg:PULL", "1"); delete(s.Images, debian) }, text: "does not exist for linux/amd64", at: "runtime.yaml:1", asked: "base"},
		{name: "no such base", change: func(s *scene) { delete(s.Images, debian) }, text: "does not exist for linux/amd64", at: "runtime.yaml:1", asked: "source lock versioned base"},
		{name: "no such base, as an argument", change: option("build-arg:BASE_IMAGE", "debian:sid"), text: "(set by build argument BASE_IMAGE)", at: "runtime.yaml:1",
			asked: "source lock versioned docker.io/library/debian:sid"},
		{name: "a base without a shell", change: func(s *scene) { delete(s.base, "bin/sh") }, text: "has no /bin/sh", at: "runtime.yaml:1", asked: "source lock versioned base"},
		{name: "an old builder", change: func(s *scene) { s.Options.LLBCaps = pb.Caps.CapSet(oldCaps()) }, text: "BuildKit is too old", asked: "source lock versioned"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene(t)
			tt.change(s)
			res, err := s.build()
			if err == nil || res != nil || !strings.Contains(err.Error(), tt.text) || position(err) != tt.at {
				t.Errorf("got %v, at %q: %v", res, position(err), err)
			}
			if strings.Contains(fmt.Sprint(err), "HUNTER2") {
				t.Error("the password is shown")
			}
			if len(s.Refs()) == 0 && tt.asked == "" || tt.asked == "*" {
				return
			}
			if got := s.asked(); got != tt.asked {
				t.Errorf("asked for %q, want %q", got, tt.asked)
			}
		})
	}
}

// oldCaps are the capabilities of a builder that has files, and not much else.
func oldCaps() (all []*apipb.APICap) {
	for _, c := range pb.Caps.All() {
		if c.ID != string(pb.CapMergeOp) {
			all = append(all, c)
		}
	}
	return all
}
