package imagebuild_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	bkllb "github.com/moby/buildkit/client/llb"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/imagebuild"
	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/internal/testkit/fakegateway"
	"github.com/rtbuild/rtbuild/llb"
)

// TestRequestReachesTheBuilder: what a request says beside its runtime is in what the builder is asked for.
func TestRequestReachesTheBuilder(t *testing.T) {
	const install = "[deps] npm ci"
	exec := func(s *scene) *pb.ExecOp { return s.last().Vertex(install).GetExec() }
	for _, tt := range []struct {
		name   string
		change func(*scene)
		got    func(*scene) any
		want   any
	}{
		{"the resolve mode", func(s *scene) { s.Resolve = "pull" }, func(s *scene) any { return s.Lookups()[0].Mode }, "pull"},
		{"the platform of the base", func(*scene) {}, func(s *scene) any { return s.Lookups()[0].Platform }, "linux/amd64"},
		{"caches of other builders", func(s *scene) { s.Imports = []gateway.CacheOptionsEntry{{Type: "registry"}} }, func(s *scene) any {
			return slices.IndexFunc(s.Solves(), func(solve fakegateway.Solve) bool { return len(solve.CacheImports) != 1 })
		}, -1},
		{"a proxy", func(s *scene) { s.Proxy = &bkllb.ProxyEnv{HTTPProxy: "http://proxy"} }, func(s *scene) any { return exec(s).Meta.ProxyEnv.GetHttpProxy() }, "http://proxy"},
		{"no proxy", func(*scene) {}, func(s *scene) any { return exec(s).Meta.ProxyEnv.GetHttpProxy() }, ""},
		{"a step's options", func(s *scene) { s.Steps = []bkllb.RunOption{bkllb.Network(pb.NetMode_HOST)} }, func(s *scene) any { return exec(s).Network }, pb.NetMode_HOST},
		{"a stage without cache", func(s *scene) { s.NoCache = func(stage string) bool { return stage == "deps" } },
			func(s *scene) any { return s.last().Vertex(install).Meta.IgnoreCache }, true},
		{"another stage without cache", func(s *scene) { s.NoCache = func(stage string) bool { return stage == "system" } },
			func(s *scene) any { return s.last().Vertex(install).Meta.IgnoreCache }, false},
		{"the line of a field", func(s *scene) { s.SourceLocation = onLine(7) }, func(s *scene) any { return s.last().Vertex(install).Lines }, []int{7}},
		{"another compression has another cache key", func(s *scene) { s.Compression = "zstd" }, func(s *scene) any {
			actions := s.last().Vertex("[source] collect source").GetFile().GetActions()
			return actions[len(actions)-1].GetCopy().GetExcludePatterns()
		}, []string{"compression zstd"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene()
			s.Stage, s.OnStageDefined = plan.StageDeps, nil
			if strings.Contains(tt.name, "compression") {
				s.Stage = plan.StageSource
			}
			tt.change(s)
			s.made(t)
			if diff := cmp.Diff(tt.want, tt.got(s)); diff != "" {
				t.Errorf("want -, got +:\n%s", diff)
			}
		})
	}
}

// onLine points every field at a line.
func onLine(n int32) func(string) bkllb.ConstraintsOpt {
	source := bkllb.NewSourceMap(nil, "runtime.yaml", "YAML", []byte("base: x\n"))
	return func(string) bkllb.ConstraintsOpt {
		return source.Location([]*pb.Range{{Start: &pb.Position{Line: n}, End: &pb.Position{Line: n}}})
	}
}

// TestFetch: files that are fetched before the graph is drawn take the place of the builder's downloads.
func TestFetch(t *testing.T) {
	addresses := func(s *scene) (all []string) {
		for _, source := range s.last().Sources() {
			if strings.HasPrefix(source, "https://") {
				all = append(all, source)
			}
		}
		return all
	}
	s := newScene()
	s.made(t)
	downloads := addresses(s)
	if len(downloads) == 0 {
		t.Fatal("the builder downloads nothing")
	}
	var fetched []string
	s = newScene()
	s.Request.Fetch = func(d llb.Download) (bkllb.State, error) {
		fetched = append(fetched, d.URL)
		return bkllb.Local("tools"), nil
	}
	s.made(t)
	slices.Sort(downloads)
	slices.Sort(fetched)
	if !slices.Equal(fetched, downloads) || addresses(s) != nil || !slices.Contains(s.last().Sources(), "local://tools") {
		t.Errorf("fetched %q, of %q; the builder downloads %q", fetched, downloads, addresses(s))
	}
}

// TestLeftOut: the base's triggers are not run, and its own health check does not test another program. Both are said where they count.
func TestLeftOut(t *testing.T) {
	triggers := strings.Replace(baseConfig, `"Cmd"`, `"OnBuild":["RUN one","RUN two"],"Cmd"`, 1)
	checked := strings.Replace(baseConfig, `"Cmd"`, `"Healthcheck":{"Test":["CMD","curl","-f","localhost"]},"Cmd"`, 1)
	for _, tt := range []struct {
		name   string
		change func(*scene)
		want   string
	}{
		{"none", func(*scene) {}, ""},
		{"the base's check", func(s *scene) {
			s.Images[base] = fakegateway.Image{Config: checked}
			s.Runtime.Cmd = []string{"node", "a.js"}
		}, "which the image does not keep: curl -f localhost: "},
		{"the base's check and command", func(s *scene) {
			s.Images[base] = fakegateway.Image{Config: checked}
			s.Runtime.Cmd = nil
		}, ""},
		{"the base's check and one of its own", func(s *scene) {
			s.Images[base] = fakegateway.Image{Config: checked}
			s.Runtime.Cmd, s.Runtime.Healthcheck = []string{"node", "a.js"}, &dockerspec.HealthcheckConfig{Test: []string{"CMD", "x"}}
		}, ""},
		{"the base's", func(s *scene) { s.Images[base] = fakegateway.Image{Config: triggers} }, "neither runs nor keeps: RUN one; RUN two: "},
		{"those of a deps image (lock)", func(s *scene) {
			s.on(plan.Lock, lockRef)
			s.Images[lockRef] = fakegateway.Image{Config: triggers}
		}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene()
			tt.change(s)
			if img := s.made(t); img.Config.Config.OnBuild != nil {
				t.Errorf("the image has %q", img.Config.Config.OnBuild)
			}
			got := s.Warnings()
			if len(got) != min(1, len(tt.want)) || len(got) == 1 && !strings.Contains(got[0].Text, tt.want) {
				t.Errorf("warned %+v", got)
			}
		})
	}
}

// TestEndpoints: what a build fetches from is known after a look at the base. Nothing is built.
func TestEndpoints(t *testing.T) {
	s := newScene()
	s.Runtime.Tools = []llb.Component{llb.Tool{
		Name: "uv", Version: "1", URL: "https://example.com/uv.tar.gz?token=HUNTER2", To: "bin", SHA256: map[string]string{"amd64": strings.Repeat("b", 64)},
	}}
	s.Runtime.BuildPackages = llb.Packages{"": {"g++"}}
	got, err := imagebuild.Endpoints(t.Context(), s, s.Request)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []imagebuild.Endpoint{
		{Address: "http://deb.debian.org/debian", For: "[system] install git"}, // from the base's own sources, comments left out
		{Address: "https://registry.yarnpkg.com", For: "[deps] npm ci: links and lists"},
		{Address: "https://example.com/uv.tar.gz", For: "[tools] add uv 1"}, // without its token
	} {
		if !slices.Contains(got, want) {
			t.Errorf("%+v is missing in %+v", want, got)
		}
	}
	if !slices.ContainsFunc(got, func(e imagebuild.Endpoint) bool { return e.For == "[build] install g++" }) {
		t.Errorf("the packages of the build are missing in %+v", got)
	}
	if len(s.Solves()) != 1 || !s.Solves()[0].IsImage() {
		t.Errorf("solved %q", s.solved())
	}
	delete(s.Images, base)
	if _, err := imagebuild.Endpoints(t.Context(), s, s.Request); !errors.As(err, new(*imagebuild.ImageError)) {
		t.Errorf("without a base: %v", err)
	}
}

// TestPackageManager: packages are installed by the manager that the files of the base show.
func TestPackageManager(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*scene)
		want   string // a script of the system stage
	}{
		{"Debian", func(*scene) {}, "apt-get"},
		{"Alpine", func(s *scene) {
			delete(s.base, "usr/bin/apt-get")
			s.base["etc/os-release"].Data, s.base["sbin/apk"] = []byte("ID=alpine\nVERSION_ID=3.20\n"), s.base["bin/sh"]
			s.base["lib/ld-musl-x86_64.so.1"] = s.base["bin/sh"]
			s.Runtime.Interpreter.Version = ""
		}, "apk "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene()
			tt.change(s)
			s.Stage = llb.StageSystem
			s.made(t)
			var scripts []string
			for _, v := range s.last().Vertices {
				for _, action := range v.GetFile().GetActions() {
					scripts = append(scripts, string(action.GetMkfile().GetData()))
				}
			}
			if text := strings.Join(scripts, "\n"); !strings.Contains(text, tt.want) {
				t.Errorf("the scripts are %s", text)
			}
		})
	}
}
