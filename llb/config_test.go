package llb_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/llb"
	"github.com/rtbuild/rtbuild/tags/labels"
)

func TestConfigOfVariantsIsTheSame(t *testing.T) {
	g := graph(node())
	_, layers := draw(t, g, fromScratch)
	scratch, err := g.DepsConfig(layers, llb.DepsFacts{
		Owner: llb.Owner{UID: 1001, GID: 1002}, Tools: "sha256:tools", DepsDigest: "sha256:deps", BaseName: "docker.io/library/debian:bookworm", BaseDigest: "sha256:base",
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := scratch.Config.Labels[labels.ToolsLayers], "6"; got != want {
		t.Errorf("%s layers up to tools, want %s: two of the base, packages, user, node, npm", got, want)
	}

	// An image of that config, as a registry would give it: the exporter has filled in the layers.
	scratch.RootFS.DiffIDs = digests(2 + len(layers))
	v := graph(node())
	v.Base = llb.ImageFacts{Ref: "registry.example.com/agent:versioned" + pinned, Config: marshal(t, scratch), Layers: 6}
	_, layers = draw(t, v, (*llb.Graph).Versioned)
	versioned, err := v.VersionedConfig(layers, llb.Owner{UID: 1001, GID: 1002}, "sha256:deps")
	if err != nil {
		t.Fatal(err)
	}
	scratch.RootFS.DiffIDs = nil
	if diff := cmp.Diff(string(marshal(t, scratch)), string(marshal(t, versioned))); diff != "" {
		t.Error(diff)
	}
}

// TestForeignVersionedSaysNothingOfItsBase enters on an image of the original, whose base nobody knows.
func TestForeignVersionedSaysNothingOfItsBase(t *testing.T) {
	g := graph(node())
	g.Base.Config = []byte(`{"architecture":"amd64","os":"linux","config":{"Labels":{"org.opencontainers.image.base.name":"theirs",` +
		`"org.opencontainers.image.base.digest":"sha256:theirs","io.rtbuild.deps.digest":"sha256:forged"}}}`)
	img, err := g.VersionedConfig(nil, llb.Owner{}, "sha256:deps")
	if err != nil {
		t.Fatal(err)
	}
	for _, label := range []string{"org.opencontainers.image.base.name", "org.opencontainers.image.base.digest", labels.DepsDigest} {
		if got, ok := img.Config.Labels[label]; ok {
			t.Errorf("%s is %q", label, got)
		}
	}
}

// TestSourceKeepsDepsDigest has a source image say what its dependencies were made from.
func TestSourceKeepsDepsDigest(t *testing.T) {
	g := graph(node())
	_, layers := draw(t, g, fromScratch)
	deps, err := g.DepsConfig(layers, llb.DepsFacts{DepsDigest: "sha256:deps"})
	if err != nil {
		t.Fatal(err)
	}
	g.Base = llb.ImageFacts{Config: marshal(t, deps)}
	source, err := g.SourceConfig(nil, "sha256:tree", nil)
	if err != nil || source.Config.Labels[labels.DepsDigest] != "sha256:deps" {
		t.Errorf("labels %v, error %v", source.Config.Labels, err)
	}
	tools, err := g.DepsConfig(layers, llb.DepsFacts{Stage: "tools", DepsDigest: "sha256:deps"})
	if _, ok := tools.Config.Labels[labels.DepsDigest]; ok || err != nil {
		t.Errorf("an image that ends with tools says what deps was made from: %v, %v", tools.Config.Labels, err)
	}
}

// TestTriggersAreNotCarriedOn has a base whose ONBUILD triggers would run in every build on our images.
func TestTriggersAreNotCarriedOn(t *testing.T) {
	g := graph(node())
	g.Base.Config = []byte(`{"architecture":"amd64","os":"linux","config":{"OnBuild":["COPY package.json /usr/src/app/"]}}`)
	_, layers := draw(t, g, fromScratch)
	deps, depsErr := g.DepsConfig(layers, llb.DepsFacts{})
	versioned, versionedErr := g.VersionedConfig(layers, llb.Owner{}, "")
	source, sourceErr := g.SourceConfig(layers, "sha256:tree", nil)
	for name, img := range map[string]*llb.Image{"deps": deps, "versioned": versioned, "source": source} {
		if len(img.Config.OnBuild) > 0 {
			t.Errorf("%s has %q", name, img.Config.OnBuild)
		}
	}
	if err := errors.Join(depsErr, versionedErr, sourceErr); err != nil {
		t.Error(err)
	}
}

func TestSourceConfig(t *testing.T) {
	deps := `{"architecture":"amd64","os":"linux","config":{"Entrypoint":["/start"],"Cmd":["bash"],"Env":["PATH=/bin","A=0"],` +
		`"Healthcheck":{"Test":["CMD","/check"]},"Labels":{"io.rtbuild.stage":"deps","io.rtbuild.user.uid":"7","kept":"yes"},"Shell":["/bin/bash","-c"]},"rootfs":{"diff_ids":["sha256:1"]}}`
	tests := []struct {
		name   string
		change func(*llb.Runtime)
		want   func(*llb.Image)
	}{
		{"a command", func(*llb.Runtime) {}, func(img *llb.Image) {
			img.Config.Entrypoint, img.Config.Cmd = []string{"/start"}, []string{"node", "server.js"}
			img.Config.Labels["io.rtbuild.source.cmd"] = `["node","server.js"]`
		}},
		{"an entrypoint drops the base's command", func(r *llb.Runtime) { r.Cmd, r.Entrypoint = nil, []string{"/go"} }, func(img *llb.Image) {
			img.Config.Entrypoint = []string{"/go"}
			img.Config.Labels["io.rtbuild.source.cmd"] = "null"
		}},
		{"health, signal and volumes", func(r *llb.Runtime) {
			r.Healthcheck, r.StopSignal, r.Volumes = &dockerspec.HealthcheckConfig{Test: []string{"NONE"}}, "SIGINT", []string{"/data"}
		}, func(img *llb.Image) {
			img.Config.Entrypoint, img.Config.Cmd = []string{"/start"}, []string{"node", "server.js"}
			img.Config.Labels["io.rtbuild.source.cmd"] = `["node","server.js"]`
			img.Config.Healthcheck, img.Config.StopSignal = &dockerspec.HealthcheckConfig{Test: []string{"NONE"}}, "SIGINT"
			img.Config.Volumes = map[string]struct{}{"/data": {}}
		}},
		{"the base's command keeps its health check", func(r *llb.Runtime) { r.Cmd = nil }, func(img *llb.Image) {
			img.Config.Entrypoint, img.Config.Cmd = []string{"/start"}, []string{"bash"}
			img.Config.Labels["io.rtbuild.source.cmd"] = "null"
			img.Config.Healthcheck = &dockerspec.HealthcheckConfig{Test: []string{"CMD", "/check"}}
		}},
		{"a working directory", func(r *llb.Runtime) { r.Workdir = "/srv" }, func(img *llb.Image) {
			img.Config.Entrypoint, img.Config.Cmd, img.Config.WorkingDir = []string{"/start"}, []string{"node", "server.js"}, "/srv"
			img.Config.Labels["io.rtbuild.source.cmd"] = `["node","server.js"]`
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			g := graph(node())
			g.Base.Config = []byte(deps)
			test.change(g.Runtime)
			got, err := g.SourceConfig(g.SourceLayers(), "sha256:tree", map[string]string{"mine": "1"})
			if err != nil {
				t.Fatal(err)
			}
			want := sourceImage(g.Epoch)
			test.want(&want)
			if diff := cmp.Diff(string(marshal(t, want)), string(marshal(t, got))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func sourceImage(created time.Time) llb.Image {
	var img llb.Image
	img.Created, img.Platform, img.RootFS.Type = &created, ocispecs.Platform{OS: "linux", Architecture: "amd64"}, "layers"
	img.Config.Env = []string{"PATH=/agent/bin:/agent/code/node_modules/.bin:/bin", "A=1", "B=2"}
	img.Config.WorkingDir, img.Config.Shell = "/agent/code", []string{"/bin/bash", "-c"}
	img.Config.ExposedPorts = map[string]struct{}{"8080/tcp": {}}
	img.Config.Labels = map[string]string{
		"io.rtbuild.stage": "source", "io.rtbuild.profile": "node", "io.rtbuild.platform": "linux/amd64", "io.rtbuild.user.uid": "7",
		"io.rtbuild.source.digest": "sha256:tree", "org.opencontainers.image.version": "1.0.0", "kept": "yes", "mine": "1",
	}
	img.History = []ocispecs.History{
		{Created: &created, Comment: "not recorded"},
		{Created: &created, CreatedBy: "[source] copy source to /agent/code", Comment: "rtbuild"},
	}
	return img
}

// TestEnvIsForTheSourceImage: only a component that writes the variables into the image needs them in deps images.
func TestEnvIsForTheSourceImage(t *testing.T) {
	tests := []struct {
		name     string
		runtime  *llb.Runtime
		inDeps   bool
		variable string
	}{
		{"node", node(), false, "A=1"},
		{"python", python(), false, "A=1"},
		{"with shells", openhands(), true, "A=1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			g := graph(test.runtime)
			g.Runtime.InstallEnv = map[string]string{"CXXFLAGS": "-O1"}
			deps, err := g.DepsConfig(nil, llb.DepsFacts{})
			if err != nil {
				t.Fatal(err)
			}
			source, err := g.SourceConfig(nil, "", nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := slices.Contains(deps.Config.Env, test.variable); got != test.inDeps {
				t.Errorf("the deps image has %q", deps.Config.Env)
			}
			if env := source.Config.Env; !slices.Contains(env, test.variable) || slices.Contains(env, "CXXFLAGS=-O1") {
				t.Errorf("the source image has %q", env)
			}
		})
	}
}

func TestBadConfig(t *testing.T) {
	g := graph(node())
	g.Base.Config = []byte("{")
	if _, err := g.Draw(nil); err == nil {
		t.Error("Draw took a broken config")
	}
	if _, err := g.Intermediates(nil); err == nil {
		t.Error("Below took a broken config")
	}
	if _, err := g.SourceConfig(nil, "", nil); err == nil {
		t.Error("SourceConfig took a broken config")
	}
	if _, err := g.DepsConfig(nil, llb.DepsFacts{}); err == nil {
		t.Error("DepsConfig took a broken config")
	}
	if _, err := g.VersionedConfig(nil, llb.Owner{}, ""); err == nil {
		t.Error("VersionedConfig took a broken config")
	}
}

// A layer has a cache key for each compression, since BuildKit compresses it once.
func TestCompressionsAreApart(t *testing.T) {
	seen := map[string]string{}
	for _, compression := range []string{"", "zstd", "zstd 9"} {
		g := graph(node())
		g.Compression = compression
		text := describe(t, g.SourceTree())
		if other, ok := seen[text]; ok {
			t.Errorf("compressions %q and %q share a layer", other, compression)
		}
		seen[text] = compression
	}
}

func TestRootMakesNoUser(t *testing.T) {
	g := graph(node())
	g.Runtime.User = llb.User{Name: "root"}
	state, layers := draw(t, g, fromScratch)
	if text := describe(t, state); strings.Contains(text, "useradd") {
		t.Error("a user is made")
	}
	img, err := g.DepsConfig(layers, llb.DepsFacts{})
	if err != nil || img.Config.User != "" {
		t.Errorf("user %q, error %v", img.Config.User, err)
	}
}
