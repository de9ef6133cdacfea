package e2e

import (
	"net/http"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/testenv"
	"github.com/rtbuild/rtbuild/tags/labels"
)

// pushStandIns pushes a base on which nothing has to be installed as REPOSITORY:1.
func pushStandIns(t *testing.T, repository string, config dockerspec.DockerOCIImage, more ...testenv.Blob) {
	t.Helper()
	config.Platform = ocispecs.Platform{OS: "linux", Architecture: runtime.GOARCH}
	config.Config.Env = []string{"PATH=/opt/bin:/usr/bin:/bin", "NODE_VERSION=22.1.0"}
	layers := append([]testenv.Blob{must(testenv.Base(t.Context()))(t), must(standIns())(t)}, more...)
	must(env.registry.PushDockerImage(t.Context(), repository, "1", config, layers...))(t)
}

// TestVersionedOfAnotherBase checks two bases that share a versioned tag.
func TestVersionedOfAnotherBase(t *testing.T) {
	t.Parallel()
	p := probe(t)
	var bases []string
	for _, repository := range []string{"alike/b", "alike_s_b"} {
		pushStandIns(t, repository, dockerspec.DockerOCIImage{}, layerOf(t, map[string]string{"from": repository}))
		bases = append(bases, env.registry.Host+"/"+repository+":1")
	}
	planOn := func(base string) planned {
		return decode[planned](t, succeed(t, p.dir, "plan", "--format", "json", "--base-image", base).stdout)
	}
	p.solves(t, "scratch", p.repository, "--base-image", bases[0])
	made := planOn(bases[1])
	if one := planOn(bases[0]); one.Versioned != made.Versioned || one.Lock == made.Lock {
		t.Fatalf("the case shows nothing: %+v and %+v", one, made)
	}
	if made.Variant != "scratch" || made.Exists["versioned"] != "stale" || !strings.Contains(made.Reason, "it was made from base "+bases[0]) ||
		strings.Contains(strings.Join(made.Notes, " "), "moved") {
		t.Errorf("the plan is %+v", made)
	}
	p.solves(t, "scratch", p.repository, "--base-image", bases[1])
	if _, ok := tree(t, made.Images.Source)["/from"]; !ok || image(t, made.Images.Lock).Config.Config.Labels["org.opencontainers.image.base.name"] != bases[1] {
		t.Error("the image is not on its base")
	}
}

// TestDepsOfOtherLockFiles checks that client and frontend treat a deps image as stale if it was made from other lock files.
func TestDepsOfOtherLockFiles(t *testing.T) {
	t.Parallel()
	p := probe(t)
	p.solves(t, "scratch", p.repository)
	made := p.names(t, p.repository)
	own := image(t, made.Images.Lock).Config.Config.Labels
	if got := image(t, made.Images.Source).Config.Config.Labels[labels.DepsDigest]; got == "" || got != own[labels.DepsDigest] {
		t.Errorf("the source image says %q, the deps image %q", got, own[labels.DepsDigest])
	}
	for _, tt := range []struct{ name, digest, variant string }{
		{"other", "sha256:other", "scratch"}, {"unsaid", "", "lock"}, {"same", own[labels.DepsDigest], "lock"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			repository := p.repository + "-" + tt.name
			of := depsLabels()
			of[labels.DepsDigest] = tt.digest
			pushLabelled(t, repository, made.Lock, of)
			byClient := decode[planned](t, succeed(t, p.dir, "plan", "--format", "json", "--repository", repository).stdout)
			byFrontend := p.exported(t, "plan", "--build-arg", "REPOSITORY="+repository).planned
			for by, got := range map[string]planned{"client": byClient, "frontend": byFrontend} {
				if told := strings.Contains(strings.Join(got.Notes, " "), "has no label for the inputs of its dependencies"); got.Variant != tt.variant ||
					told != (tt.digest == "") {
					t.Errorf("by the %s: the plan is %+v", by, got)
				}
			}
		})
	}
}

// TestTriggers checks that ONBUILD triggers of a base are reported, and neither run nor copied.
func TestTriggers(t *testing.T) {
	t.Parallel()
	p := probe(t)
	var config dockerspec.DockerOCIImage
	config.Config.OnBuild = []string{"COPY package.json /usr/src/app/"}
	pushStandIns(t, "triggers", config)
	base := env.registry.Host + "/triggers:1"
	byFrontend := p.buildx(t, "-o", "type=cacheonly", "--build-arg", "BASE_IMAGE="+base)
	byClient := succeed(t, p.dir, "solve", "--progress", "plain", "--base-image", base)
	for by, res := range map[string]result{"client": byClient, "frontend": byFrontend} {
		if !strings.Contains(res.stderr, "ONBUILD triggers, which rtbuild neither runs nor keeps: COPY package.json") {
			t.Errorf("the %s says nothing of them:\n%s", by, res.stderr)
		}
	}
	made := decode[planned](t, succeed(t, p.dir, "plan", "--format", "json", "--base-image", base).stdout)
	for _, ref := range []string{made.Images.Lock, made.Images.Source} {
		if text := string(image(t, ref).RawConfig()); strings.Contains(text, "OnBuild") {
			t.Errorf("%s carries them on: %s", ref, text)
		}
	}
}

// refuseTag returns a fault that makes a tag immutable, as in Harbor.
func refuseTag(ref string) testenv.Fault {
	tag := ref[strings.LastIndex(ref, ":")+1:]
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPut || path.Base(r.URL.Path) != tag {
			return false
		}
		w.WriteHeader(http.StatusPreconditionFailed)
		_, _ = w.Write([]byte(`{"errors":[{"code":"PRECONDITION","message":"configured as immutable"}]}`))
		return true
	}
}

// TestImmutableTags checks a registry with immutable tags.
func TestImmutableTags(t *testing.T) {
	defer env.registry.SetFault(nil)
	t.Run("the versioned tag", func(t *testing.T) {
		p := small(t)
		made := p.plan(t)
		env.registry.SetFault(refuseTag(made.Images.Versioned))
		if res := p.solve(t); !strings.Contains(res.stderr, "WARNING: publishing "+made.Images.Versioned+": the tag cannot be moved") {
			t.Errorf("nothing is told of it:\n%s", res.stderr)
		}
		if after := p.plan(t); after.Exists["source"] != "fresh" || after.Exists["lock"] != "fresh" || after.Exists["versioned"] != "absent" {
			t.Errorf("the plan is %+v", after)
		}
	})
	t.Run("the lock tag", func(t *testing.T) {
		p := small(t)
		env.registry.SetFault(refuseTag(p.plan(t).Images.Lock))
		p.fails(t, 3, "the tag cannot be moved")
		p.unpublished(t)
	})
	t.Run("a further name", func(t *testing.T) {
		p := small(t)
		name := p.repository + ":mine"
		env.registry.SetFault(refuseTag(name))
		p.fails(t, 3, "pushing "+name, "-o", "type=image,push=true,name="+name)
	})
}

// TestPlatformOfAnotherMachine checks that a platform which another machine publishes during a build stays in the tag. The build
// does not name its platform.
func TestPlatformOfAnotherMachine(t *testing.T) {
	p := small(t)
	repository := strings.TrimPrefix(p.repository, env.registry.Host+"/")
	made := p.plan(t)
	other := ocispecs.Platform{OS: "linux", Architecture: "s390x"}
	var once sync.Once
	env.registry.SetFault(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPost && strings.Contains(r.URL.Path, repository+"/blobs/uploads") && r.Header.Get("User-Agent") != "" &&
			strings.HasPrefix(r.Header.Get("User-Agent"), "buildkit") {
			once.Do(func() {
				for _, tag := range []string{made.Lock, made.Versioned, made.Source} {
					config := ocispecs.Image{Platform: other, Config: ocispecs.ImageConfig{Labels: depsLabels()}}
					must(env.registry.PushImage(r.Context(), repository, tag, config, layerOf(t, map[string]string{"their": tag})))(t)
				}
			})
		}
		return false
	})
	defer env.registry.SetFault(nil)
	p.solve(t)
	for _, ref := range []string{made.Images.Lock, made.Images.Versioned, made.Images.Source} {
		holds := tag(t, ref)
		for _, architecture := range []string{"s390x", runtime.GOARCH} {
			if !slices.ContainsFunc(holds.Manifests, func(d ocispecs.Descriptor) bool { return d.Platform != nil && d.Platform.Architecture == architecture }) {
				t.Errorf("%s has lost linux/%s: %+v", ref, architecture, holds.Manifests)
			}
		}
	}
}

// TestFrontendWithoutRepository checks an export that takes its names from the frontend if there is no repository.
func TestFrontendWithoutRepository(t *testing.T) {
	t.Parallel()
	p := probe(t)
	p.runtimeFile(t, "profile: node", "base: "+must(pushProbeBase())(t), "version: 1.0.0", "user: root", "packages: []", "dependencies: {manager: none}")
	for _, target := range []string{"source", "deps"} {
		res := buildx(t, p.dir, p.buildArgs("-o", computed, "--target", target, "--build-arg", "FORCE_REBUILD=1")...)
		if res.code == 0 || !strings.Contains(res.stderr, "no repository is named") {
			t.Errorf("target %s: exit code %d\n%s", target, res.code, res.stderr)
		}
	}
	res := buildx(t, p.dir, p.buildArgs("-o", "type=image,push=true,oci-mediatypes=true,name="+p.repository+":named", "--build-arg", "FORCE_REBUILD=1")...)
	if res.code != 0 {
		t.Errorf("exit code %d\n%s", res.code, res.stderr)
	}
	image(t, p.repository+":named")
}

// TestFrontendReuse checks lists of repositories in all accepted forms.
func TestFrontendReuse(t *testing.T) {
	t.Parallel()
	p := probe(t)
	pushLabelled(t, p.repository+"-locked", p.names(t, p.repository).Lock, depsLabels())
	made := p.exported(t, "plan", "--build-arg", "REUSE_FROM="+p.repository+"-empty , "+p.repository+"-locked,")
	if made.Variant != "lock" || !strings.HasPrefix(made.From, p.repository+"-locked:") {
		t.Errorf("the plan is %+v", made.planned)
	}
	for list, want := range map[string]string{
		"a/x:1":          `invalid build argument REUSE_FROM "a/x:1": must be a repository without a tag`,
		"a/x, b/Y":       `invalid build argument REUSE_FROM "b/Y": must be a repository without a tag`,
		"127.0.0.1:1/ab": "build argument REUSE_FROM: looking for the deps image",
	} {
		res := buildx(t, p.dir, p.buildArgs("--target", "plan", "--build-arg", "REUSE_FROM="+list)...)
		if res.code != 1 || !strings.Contains(res.errorLine(), want) || strings.Contains(res.stderr, ">>> repository") {
			t.Errorf("%s: exit code %d, error %q, want %q\n%s", list, res.code, res.errorLine(), want, res.stderr)
		}
	}
}

// TestShortNames checks a base and a repository on Docker Hub without the registry's name. The builder has a mirror of Docker Hub.
func TestShortNames(t *testing.T) {
	t.Parallel()
	b := freshBuilder(t, testenv.BuilderOptions{Config: "[registry.\"docker.io\"]\n  mirrors = [\"" + env.registry.Host + "\"]\n"})
	pushStandIns(t, "library/short", dockerspec.DockerOCIImage{})
	p := probe(t)
	succeed(t, p.dir, "solve", "--progress", "plain", "--addr", b.Addr, "--base-image", "short:1")
	made := decode[planned](t, succeed(t, p.dir, "tags", "--format", "json", "--base-image", "short:1").stdout)
	if got := image(t, made.Images.Source).Config.Config.Labels["org.opencontainers.image.base.name"]; got != "docker.io/library/short:1" {
		t.Errorf("the base is %s", got)
	}
	pushLabelled(t, env.registry.Host+"/team/short", made.Lock, depsLabels())
	res := buildxOn(t, newBuildx(t, b), p.dir, p.buildArgs("-o", "type=cacheonly", "--build-arg", "REPOSITORY=team/short", "--build-arg", "BASE_IMAGE=short:1")...)
	if res.code != 0 || !strings.Contains(res.stderr, "[plan] lock: ") {
		t.Errorf("exit code %d\n%s", res.code, res.stderr)
	}
}

// TestFrontendLockOnGivenDepsImage requests the variant lock although the source image exists.
func TestFrontendLockOnGivenDepsImage(t *testing.T) {
	t.Parallel()
	p := probe(t)
	p.publishes(t, "scratch", p.repository, "--target", "deps")
	p.publishes(t, "lock", p.repository)
	made := p.names(t, p.repository)
	res := p.buildx(t, "-o", "type=cacheonly", "--build-arg", "VARIANT=lock", "--build-context", "deps=docker-image://"+made.Images.Lock)
	if !strings.Contains(res.stderr, "[plan] lock: asked for; the deps image is the context deps") {
		t.Errorf("it is not built on it:\n%s", res.stderr)
	}
}

// TestFrontendPlatformMismatch checks a tag whose index names another platform than its image.
func TestFrontendPlatformMismatch(t *testing.T) {
	t.Parallel()
	p := probe(t)
	repository := strings.TrimPrefix(p.repository, env.registry.Host+"/")
	config := ocispecs.Image{Platform: ocispecs.Platform{OS: "linux", Architecture: "s390x"}}
	layer := layerOf(t, map[string]string{"a": "b"})
	made := p.names(t, p.repository)
	at := must(env.registry.PushImage(t.Context(), repository, "", config, layer))(t)
	must(env.registry.PushIndex(t.Context(), repository, made.Source, ocispecs.Descriptor{
		MediaType: ocispecs.MediaTypeImageManifest, Digest: at, Size: int64(len(download(t, "/v2/"+repository+"/manifests/"+at.String()))),
		Platform: &ocispecs.Platform{OS: "linux", Architecture: runtime.GOARCH},
	}))(t)
	p.refused(t, "the config says linux/s390x, the tag says linux/"+runtime.GOARCH, "repository: ")
	res := client(t, p.dir, "plan")
	if res.code != 3 || !strings.Contains(res.errorLine(), "the index says linux/"+runtime.GOARCH+", the config says linux/s390x") {
		t.Errorf("by the client: exit code %d, %s", res.code, res.errorLine())
	}
}
