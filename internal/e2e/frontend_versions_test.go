package e2e

import (
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/containerd/platforms"
	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/testenv"
	"github.com/rtbuild/rtbuild/tags/labels"
)

// TestFrontendOldestBuildKit runs a small build on the oldest BuildKit and on the newest. Both must make the same source image on
// one deps image, with the frontend and with the client.
func TestFrontendOldestBuildKit(t *testing.T) {
	t.Parallel()
	p := withDependencies(t)
	made := p.names(t, p.repository)
	oldest := daemons(t)[0].start(t)
	x := newBuildx(t, oldest)
	build := func(t *testing.T, args ...string) result {
		t.Helper()
		return succeeds(t, buildxOn(t, x, p.dir, p.buildArgs(args...)...))
	}
	t.Run("tags", func(t *testing.T) {
		out := t.TempDir()
		build(t, "--target", "tags", "-o", "type=local,dest="+out)
		if got := decode[planned](t, string(must(os.ReadFile(filepath.Join(out, "tags.json")))(t))); !reflect.DeepEqual(got, made) {
			t.Errorf("the tags are %+v, the client's %+v", got, made)
		}
	})
	t.Run("check", func(t *testing.T) {
		newest := buildx(t, p.dir, "build", "--check", "-f", "runtime.yaml", ".")
		got := buildxOn(t, x, p.dir, "build", "--check", "-f", "runtime.yaml", ".")
		if got.code != newest.code || got.stdout != newest.stdout || !strings.Contains(got.stdout, "warning") {
			t.Errorf("exit code %d, the newest gives %d\n%s\n%s", got.code, newest.code, got.stdout, newest.stdout)
		}
	})
	t.Run("deps", func(t *testing.T) {
		res := build(t, "--target", "deps", "-o", computed)
		if !strings.Contains(res.stderr, "[plan] scratch: ") || image(t, made.Images.Lock).Digest != image(t, made.Images.Versioned).Digest {
			t.Errorf("it is not built from scratch:\n%s", res.stderr)
		}
	})
	t.Run("source", func(t *testing.T) {
		export := "type=image,push=true,oci-mediatypes=true,name=" + p.repository
		build(t, "-o", export+":oldest")
		p.buildx(t, "-o", export+":newest")
		sameDigest(t, "source", p.repository+":oldest", p.repository+":newest")
	})
	t.Run("client", func(t *testing.T) {
		p.solves(t, "lock", p.repository, "--addr", oldest.Addr)
		sameDigest(t, "source", p.repository+":oldest", made.Images.Source)
		p.solves(t, "scratch", p.repository+"-client", "--addr", oldest.Addr)
		sameDigest(t, "source", p.repository+":oldest", p.names(t, p.repository+"-client").Images.Source)
	})
}

// TestFrontendNewerFile checks that the error for an unknown field suggests a newer frontend.
func TestFrontendNewerFile(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, line, want string
	}{
		{"field", "hologram: true", `unknown field "hologram": known are `},
		{"field of a component", "network: {hologram: {}}", `unknown field "hologram": known are mirrors`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := probe(t, test.line)
			res := buildx(t, p.dir, p.buildArgs()...)
			if res.code != 1 || !strings.Contains(res.errorLine(), test.want) || marked(res) != 9 ||
				!strings.Contains(res.errorLine(), "(this is rtbuild-frontend dev; a newer one may know it)") {
				t.Errorf("exit code %d, line %d, error %q", res.code, marked(res), res.errorLine())
			}
		})
	}
}

// guarded returns a registry that requires credentials and has a certificate of a private authority, and buildx on a builder that
// trusts the authority.
func guarded(t *testing.T, guard func(user, password string) testenv.RegistryOption) (*testenv.Registry, *testenv.Buildx) {
	t.Helper()
	dir := t.TempDir()
	ca := must(testenv.NewAuthority(filepath.Join(dir, "registry-ca.pem"), "registries"))(t)
	r := must(testenv.StartRegistry(t.Context(), filepath.Join(dir, "registry"), testenv.WithTLS(ca), guard("alice", "secret")))(t)
	t.Cleanup(r.Close)
	x := newBuildx(t, freshBuilder(t, testenv.BuilderOptions{Config: r.BuilderConfig()}))
	x.Env = append(x.Env, "SSL_CERT_FILE="+ca.File) // buildx fetches tokens itself
	return r, x
}

// TestFrontendCredentials checks that the frontend looks up images with the credentials of the user of buildx. Without credentials,
// nothing is built.
func TestFrontendCredentials(t *testing.T) {
	t.Parallel()
	for name, guard := range map[string]func(user, password string) testenv.RegistryOption{
		"password": testenv.WithPassword, "token": testenv.WithToken,
	} {
		t.Run(name, func(t *testing.T) {
			r, x := guarded(t, guard)
			p := probe(t)
			edit(t, filepath.Join(p.dir, "runtime.yaml"), "repository: "+p.repository, "repository: "+r.Host+"/team/agent")
			made := p.names(t, r.Host+"/team/agent")
			config := ocispecs.Image{
				Platform: ocispecs.Platform{OS: "linux", Architecture: runtime.GOARCH}, Config: ocispecs.ImageConfig{Labels: depsLabels()},
			}
			must(r.PushImage(t.Context(), "team/agent", made.Lock, config, layerOf(t, map[string]string{"deps": ""})))(t)
			build := func() result { return buildxOn(t, x, p.dir, p.buildArgs("-o", computed)...) }
			res := build()
			if res.code != 1 || !strings.Contains(res.errorLine(), "may not read image "+r.Host+"/team/agent:oh_") ||
				!strings.Contains(res.errorLine(), "log in") || marked(res) != 4 {
				t.Errorf("without a login: exit code %d, line %d, error %q", res.code, marked(res), res.errorLine())
			}
			if strings.Contains(res.stderr, "[system]") || strings.Contains(res.stderr, "[source] copy") {
				t.Errorf("something is built:\n%s", res.stderr)
			}
			if err := r.Login(x.Dir); err != nil {
				t.Fatal(err)
			}
			for _, variant := range []string{"lock", "none"} {
				if res = succeeds(t, build()); !strings.Contains(res.stderr, "[plan] "+variant+": ") {
					t.Errorf("the variant is not %s:\n%s", variant, res.stderr)
				}
			}
			must(r.Image(t.Context(), made.Images.Source))(t)
		})
	}
}

// pushNodeBases pushes bases of both architectures as node:both, with the config of the official Node.js image.
func pushNodeBases(t *testing.T) string {
	t.Helper()
	var images []ocispecs.Descriptor
	for name := range strings.SplitSeq(both, ",") {
		platform := must(platforms.Parse(name))(t)
		config := ocispecs.Image{
			Platform: platform, Config: ocispecs.ImageConfig{Env: []string{"PATH=/usr/bin:/bin", "NODE_VERSION=22.1.0"}},
		}
		layer := must(testenv.BaseFor(t.Context(), platform.Architecture))(t)
		at := must(env.registry.PushImage(t.Context(), "node", platform.Architecture, config, layer, layerOf(t, map[string]string{"usr/bin/node": "#!/bin/sh\n"})))(t)
		manifest := rawManifest(t, env.registry.Host+"/node:"+platform.Architecture)
		images = append(images, ocispecs.Descriptor{
			MediaType: ocispecs.MediaTypeImageManifest, Digest: at, Size: int64(len(manifest)), Platform: &platform,
		})
	}
	must(env.registry.PushIndex(t.Context(), "node", "both", images...))(t)
	return env.registry.Host + "/node:both"
}

// TestFrontendEmulated builds for another architecture from scratch, with emulation. Client and frontend must share the deps steps
// in the builder's cache, and make equal manifests for each platform.
func TestFrontendEmulated(t *testing.T) {
	t.Parallel()
	for _, architecture := range []string{"amd64", "arm64"} {
		if err := testenv.Runs(architecture); err != nil {
			t.Fatal(err)
		}
	}
	p := probe(t)
	edit(t, filepath.Join(p.dir, "runtime.yaml"), must(pushProbeBase())(t), pushNodeBases(t))
	p.buildx(t, "--platform", both, "-o", computed, "--build-arg", "REPOSITORY="+p.repository+"-frontend")
	res := succeed(t, p.dir, "solve", "--progress", "plain", "--platform", both)
	ours, clients := tag(t, p.names(t, p.repository+"-frontend").Images.Source), tag(t, res.stdout)
	shells := map[digest.Digest]string{}
	if !ours.isIndex || len(ours.Manifests) != 2 {
		t.Fatalf("the tag holds %+v", ours.Manifests)
	}
	for name := range strings.SplitSeq(both, ",") {
		at := ours.manifestOf(name).Digest.String()
		if want := clients.manifestOf(name).Digest.String(); at != want {
			t.Errorf("%s: the frontend's is %s, the client's %s", name, at, want)
		}
		img := image(t, p.repository+"-frontend:x@"+at)
		if img.Config.Config.Labels[labels.Platform] != name || "linux/"+img.Config.Architecture != name {
			t.Errorf("%s is for %s, labels %v", name, img.Config.Architecture, img.Config.Config.Labels)
		}
		// The platform's own shell has created the code directory.
		files := must(img.Tree(t.Context()))(t)
		if got := files["/agent/code/main.js"].Digest; got != digest.FromString("// main\n") || files["/bin/dash"].Digest == "" && files["/usr/bin/dash"].Digest == "" {
			t.Errorf("%s: main.js is %s", name, got)
		}
		shells[files["/usr/bin/dash"].Digest+files["/bin/dash"].Digest] = name
	}
	if len(shells) != 2 {
		t.Errorf("the shells are %v", shells)
	}
}
