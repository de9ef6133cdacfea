package frontend_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/solver/pb"

	"github.com/rtbuild/rtbuild/internal/testkit/fakegateway"
)

// image is what was solved last.
func (s *scene) image() fakegateway.Solve {
	solves := s.Solves()
	return solves[len(solves)-1]
}

// TestCommandLine: what the command line says is in what is built.
func TestCommandLine(t *testing.T) {
	const install = "[deps] npm ci"
	exec := func(s *scene) *pb.ExecOp { return s.image().Vertex(install).GetExec() }
	for _, tt := range []struct {
		name string
		set  []string
		got  func(*scene) any
		want any
	}{
		{"a version", []string{"build-arg:RUNTIME_VERSION", "9.9.9"}, func(s *scene) any { return strings.Contains(s.names().Images.Versioned, "9.9.9") }, true},
		{"an empty version is none", []string{"build-arg:RUNTIME_VERSION", ""}, func(s *scene) any { return strings.Contains(s.names().Images.Versioned, "1.2.3") }, true},
		{"a repository", []string{"build-arg:REPOSITORY", "x.example.com/other"}, func(s *scene) any { return s.names().Repository }, "x.example.com/other"},
		{"a base", []string{"build-arg:BASE_IMAGE", "docker.io/library/debian:bookworm"}, func(s *scene) any { return s.asked() }, "source lock versioned base"},
		{"a proxy", []string{"build-arg:https_proxy", "http://proxy"}, func(s *scene) any { return exec(s).Meta.ProxyEnv.GetHttpsProxy() }, "http://proxy"},
		{"a network", []string{"force-network-mode", "host"}, func(s *scene) any { return exec(s).Network }, pb.NetMode_HOST},
		{"a stage without cache", []string{"no-cache", "deps"}, func(s *scene) any { return s.image().Vertex(install).Meta.IgnoreCache }, true},
		{"a line", nil, func(s *scene) any { return s.image().Vertex("[system] install git").Lines }, []int{2}},
		{"the platform of the base", []string{"platform", "linux/arm64"}, func(s *scene) any { return s.Lookups()[len(s.Lookups())-1].Platform }, "linux/arm64"},
		{"the resolve mode of the base", []string{"image-resolve-mode", "local"}, func(s *scene) any { return s.Lookups()[len(s.Lookups())-1].Mode }, "local"},
		{"registries are asked, not the builder's memory", []string{"image-resolve-mode", "local"}, func(s *scene) any { return s.Lookups()[0].Mode }, "pull"},
		{"a cache", []string{"cache-imports", `[{"Type":"registry"}]`}, func(s *scene) any { return len(s.image().CacheImports) }, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene(t).set(tt.set...)
			s.must()
			if diff := cmp.Diff(tt.want, tt.got(s)); diff != "" {
				t.Errorf("want -, got +:\n%s", diff)
			}
		})
	}
}

// TestConfigOfTheCommandLine: so is what it says of the image.
func TestConfigOfTheCommandLine(t *testing.T) {
	s := newScene(t).set("label:mine", "1", "build-arg:SOURCE_DATE_EPOCH", "7", "build-arg:RUNTIME_VERSION", "9.9.9")
	img := config(t, s.must(), "")
	if img.Config.Labels["mine"] != "1" || img.Config.Labels["org.opencontainers.image.version"] != "9.9.9" || !img.Created.Equal(time.Unix(7, 0)) {
		t.Errorf("created %v, labels %v", img.Created, img.Config.Labels)
	}
}

// TestUnknownArguments: a build argument that nobody reads is told, with one that may be meant. Those of BuildKit are its own.
func TestUnknownArguments(t *testing.T) {
	for _, tt := range []struct{ name, arg, want string }{
		{"a slip", "RUNTIME_VERSON", "RUNTIME_VERSION"},
		{"another program's", "COLOUR", "COLOUR"},
		{"BuildKit's", "BUILDKIT_X", ""},
		{"ours", "RUNTIME_VERSION", ""},
		{"a proxy in small letters", "http_proxy", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene(t).set("target", "system", "build-arg:"+tt.arg, "1.2.3")
			s.must()
			checkWarnings(t, s, tt.want)
		})
	}
}
