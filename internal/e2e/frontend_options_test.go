package e2e

import (
	"archive/tar"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/tags/labels"
)

// exported builds a target that exports a JSON file, and reads it.
func (p *project) exported(t *testing.T, target string, more ...string) plannedAll {
	t.Helper()
	out := t.TempDir()
	p.buildx(t, append([]string{"--target", target, "-o", "type=local,dest=" + out}, more...)...)
	var made plannedAll
	if err := json.Unmarshal(must(os.ReadFile(filepath.Join(out, target+".json")))(t), &made); err != nil {
		t.Fatal(err)
	}
	return made
}

// pushLabelled pushes a small image with labels.
func pushLabelled(t *testing.T, repository, tag string, own map[string]string) {
	t.Helper()
	config := ocispecs.Image{
		Platform: ocispecs.Platform{OS: "linux", Architecture: runtime.GOARCH},
		Config:   ocispecs.ImageConfig{Labels: own, Env: []string{"PATH=/bin"}},
	}
	name := strings.TrimPrefix(repository, env.registry.Host+"/")
	must(env.registry.PushImage(t.Context(), name, tag, config, layerOf(t, map[string]string{"deps": tag})))(t)
}

// depsLabels returns the labels of a deps image.
func depsLabels() map[string]string {
	return map[string]string{
		labels.Stage: plan.StageDeps, labels.Recipe: "1", labels.UID: "0", labels.GID: "0", labels.ToolsLayers: "1",
	}
}

// TestFrontendBuildArgs sets every build argument, and checks the plan.
func TestFrontendBuildArgs(t *testing.T) {
	t.Parallel()
	p := probe(t)
	before := p.exported(t, "plan")
	if before.Variant != "scratch" || before.From == "" {
		t.Fatalf("the plan is %+v", before.planned)
	}
	elsewhere := p.repository + "-elsewhere"
	pushLabelled(t, p.repository+"-locked", before.Lock, depsLabels())
	pushLabelled(t, p.repository+"-old", before.Lock, func() map[string]string {
		own := depsLabels()
		own[labels.Recipe] = "0"
		return own
	}())
	versioned := strings.Replace(before.Versioned, "v1.0.0", "v0.9.0", 1)
	pushLabelled(t, p.repository+"-previous", versioned, nil)
	tests := []struct {
		name string
		args []string
		want func(planned) bool
	}{
		{"BASE_IMAGE", []string{"BASE_IMAGE=" + env.base}, func(m planned) bool {
			return strings.HasPrefix(m.From, env.base+"@") && strings.HasSuffix(m.Versioned, "debian_t_bookworm") && m.Lock != before.Lock
		}},
		{"REPOSITORY", []string{"REPOSITORY=" + elsewhere}, func(m planned) bool {
			return m.Images.Source == elsewhere+":"+before.Source
		}},
		{"RUNTIME_VERSION", []string{"RUNTIME_VERSION=2.3.4"}, func(m planned) bool {
			return strings.HasPrefix(m.Source, "oh_v2.3.4_") && strings.HasPrefix(m.Versioned, "oh_v2.3.4_")
		}},
		{"PREVIOUS_VERSION", []string{"PREVIOUS_VERSION=0.9.0", "VARIANT=versioned", "REPOSITORY=" + p.repository + "-previous"}, func(m planned) bool {
			return m.Variant == "versioned" && strings.Contains(m.From, versioned)
		}},
		{"PREVIOUS_VERSION of an unknown base", []string{"PREVIOUS_VERSION=0.9.0", "REPOSITORY=" + p.repository + "-previous"}, func(m planned) bool {
			return m.Variant == "scratch" && strings.Contains(m.Reason, "--build-arg VARIANT=versioned builds on it anyway")
		}},
		{"EXTRA_DEPS", []string{"EXTRA_DEPS=true"}, func(m planned) bool { return m.Lock == before.Lock && m.Source != before.Source }},
		{"REUSE_FROM", []string{"REUSE_FROM=" + elsewhere + "," + p.repository + "-locked"}, func(m planned) bool {
			return m.Variant == "lock" && strings.HasPrefix(m.From, p.repository+"-locked:"+before.Lock+"@") && m.Images == before.Images
		}},
		{"deps image (lock)", []string{"REPOSITORY=" + p.repository + "-locked"}, func(m planned) bool { return m.Variant == "lock" }},
		{"FORCE_REBUILD", []string{"FORCE_REBUILD=1", "REPOSITORY=" + p.repository + "-locked"}, func(m planned) bool {
			return m.Variant == "scratch" && m.Reason == "rebuild forced"
		}},
		{"VARIANT", []string{"VARIANT=scratch", "REPOSITORY=" + p.repository + "-locked"}, func(m planned) bool {
			return m.Variant == "scratch" && m.Reason == "asked for" && m.Exists["lock"] == "fresh"
		}},
		{"older recipe", []string{"REPOSITORY=" + p.repository + "-old"}, func(m planned) bool {
			return m.Variant == "lock" && strings.Contains(m.Notes[0], "older rtbuild")
		}},
		{"PULL", []string{"PULL=true", "REPOSITORY=" + p.repository + "-old"}, func(m planned) bool {
			return m.Variant == "scratch" && strings.Contains(m.Reason, "older rtbuild") && strings.Contains(m.From, "@sha256:")
		}},
		{"empty", []string{
			"BASE_IMAGE=", "REPOSITORY=", "RUNTIME_VERSION=", "PREVIOUS_VERSION=", "PROFILE=", "EXTRA_DEPS=", "FORCE_REBUILD=", "VARIANT=", "PULL=",
			"REUSE_FROM=", "NO_BROWSER=", "SBOM_SCAN_ALL=", "SOURCE_DATE_EPOCH=", "HTTP_PROXY=",
		}, func(m planned) bool { return m.Source == before.Source && m.Variant == before.Variant }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var args []string
			for _, arg := range test.args {
				args = append(args, "--build-arg", arg)
			}
			if made := p.exported(t, "plan", args...); !test.want(made.planned) {
				t.Errorf("the plan is %+v", made.planned)
			}
		})
	}
}

// TestFrontendProfile selects one of two profiles that fit a project.
func TestFrontendProfile(t *testing.T) {
	t.Parallel()
	p := &project{dir: t.TempDir(), repository: env.registry.Host + "/" + repositoryOf(t)}
	p.runtimeFile(t, "base: "+must(pushProbeBase())(t), "repository: "+p.repository)
	write(t, p.dir, "package.json", `{"name":"x","version":"1.0.0"}`)
	write(t, p.dir, "package-lock.json", `{"name":"x","version":"1.0.0","lockfileVersion":3,"packages":{"":{"name":"x","version":"1.0.0"}}}`)
	write(t, p.dir, "requirements.txt", "")
	node, python := p.exported(t, "tags", "--build-arg", "PROFILE=node"), p.exported(t, "tags", "--build-arg", "PROFILE=python")
	if node.Lock == python.Lock || !strings.HasPrefix(node.Lock, "oh_v1.0.0_") || !strings.HasPrefix(python.Lock, "oh_vunknown_") {
		t.Errorf("lock tags: node %q, python %q", node.Lock, python.Lock)
	}
}

// TestFrontendBadBuildArgs checks that an invalid value is an error, and an unknown build argument a warning.
func TestFrontendBadBuildArgs(t *testing.T) {
	t.Parallel()
	p := probe(t)
	for _, test := range []struct{ arg, want string }{
		{"FORCE_REBUILD=maybe", `invalid build argument FORCE_REBUILD "maybe": must be true or false`},
		{"VARIANT=lok", `invalid build argument VARIANT "lok": must be none, lock, versioned or scratch`},
		{"VARIANT=lock", "variant lock cannot be built: no deps image under the lock tag"},
		{"SOURCE_DATE_EPOCH=today", `invalid build argument SOURCE_DATE_EPOCH "today": must be a number of seconds since 1970`},
		{"PROFILE=nodejs", `nodejs`},
		{"BASE_IMAGE=Debian:x", `Debian:x`},
	} {
		t.Run(test.arg, func(t *testing.T) {
			res := buildx(t, p.dir, p.buildArgs("--target", "plan", "--build-arg", test.arg)...)
			if res.code != 1 || !strings.Contains(res.errorLine(), test.want) {
				t.Errorf("exit code %d, error %q, want %q in it\n%s", res.code, res.errorLine(), test.want, res.stderr)
			}
		})
	}
	res := p.buildx(t, "--target", "tags", "-o", "type=cacheonly", "--build-arg", "BASE_IMGE=x", "--build-arg", "FORCE_REBILD=1", "--build-arg", "BUILDKIT_INLINE_CACHE=1")
	for _, want := range []string{
		`build argument BASE_IMGE is not used: did you mean "BASE_IMAGE"?`, `build argument FORCE_REBILD is not used: did you mean "FORCE_REBUILD"?`,
	} {
		if !strings.Contains(res.stderr, want) {
			t.Errorf("%q is not told:\n%s", want, res.stderr)
		}
	}
	if strings.Contains(res.stderr, "BUILDKIT_INLINE_CACHE is not used") {
		t.Errorf("BuildKit's own argument is refused:\n%s", res.stderr)
	}
}

// openhands returns a project of profile openhands for the frontend.
func openhands(t *testing.T) *project {
	t.Helper()
	p := &project{dir: t.TempDir(), repository: env.registry.Host + "/" + repositoryOf(t)}
	write(t, p.dir, "pyproject.toml", "[tool.poetry]\nname = \"openhands-ai\"\nversion = \"0.16.1\"\n")
	write(t, p.dir, "poetry.lock", "# nothing\n")
	write(t, p.dir, "openhands/__init__.py", "x = 1\n")
	write(t, p.dir, "openhands/b.log", "hashed by the original's rules\n")
	p.runtimeFile(t, "repository: "+p.repository)
	return p
}

// TestFrontendNoBrowser builds without the browser.
func TestFrontendNoBrowser(t *testing.T) {
	t.Parallel()
	p := openhands(t)
	with, without := p.exported(t, "tags"), p.exported(t, "tags", "--build-arg", "NO_BROWSER=1")
	if with.Lock == "" || with.Lock == without.Lock {
		t.Errorf("lock tags: with a browser %q, without %q", with.Lock, without.Lock)
	}
}

// TestFrontendDockerignore checks that .dockerignore applies to hashing and copying if the profile uses it.
func TestFrontendDockerignore(t *testing.T) {
	t.Parallel()
	p := probe(t)
	before := p.exported(t, "tags")
	write(t, p.dir, "b.log", "b")
	write(t, p.dir, "sub/c.log", "c")
	if more := p.exported(t, "tags"); more.Source == before.Source {
		t.Error("a new file is in no tag")
	}
	write(t, p.dir, ".dockerignore", "**/*.log\n.dockerignore\n")
	if again := p.exported(t, "tags"); again.Source != before.Source {
		t.Errorf("with all new files ignored the source tag is %s, before it was %s", again.Source, before.Source)
	}
	files := p.probed(t)
	if files["/agent/code/main.js"] == "" || files["/agent/code/b.log"] != "" || files["/agent/code/sub/c.log"] != "" {
		t.Errorf("the image holds %q", files)
	}
	t.Run("openhands", func(t *testing.T) {
		p := openhands(t)
		before := p.exported(t, "tags")
		write(t, p.dir, ".dockerignore", "**/*.log\nopenhands\n*\n")
		if again := p.exported(t, "tags"); again.Source != before.Source {
			t.Errorf("the source tag is %s, without .dockerignore it was %s", again.Source, before.Source)
		}
	})
}

// rawManifest returns the bytes of a manifest.
func rawManifest(t *testing.T, ref string) []byte {
	t.Helper()
	repository, name, _ := strings.Cut(strings.TrimPrefix(ref, env.registry.Host+"/"), ":")
	return download(t, "/v2/"+repository+"/manifests/"+name)
}

// download returns the content of a path of the shared registry.
func download(t *testing.T, path string) []byte {
	t.Helper()
	req := must(http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+env.registry.Host+path, nil))(t)
	req.Header.Set("Accept", ocispecs.MediaTypeImageManifest)
	res := must(http.DefaultClient.Do(req))(t)
	defer res.Body.Close()
	body := must(io.ReadAll(res.Body))(t)
	if res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", path, res.Status)
	}
	return body
}

// TestFrontendManifests checks that the lock tag covers the manifests that a manager reads besides the lock file.
func TestFrontendManifests(t *testing.T) {
	t.Parallel()
	const workspaces = `{"name":"x","version":"1.0.0","workspaces":["packages/*"]}`
	for name, test := range map[string]struct {
		files         map[string]string
		changed, with string
	}{
		"npm workspaces": {map[string]string{
			"package.json": workspaces, "packages/a/package.json": `{"name":"a","version":"1.0.0"}`, "packages/a/index.js": "// a\n",
			"package-lock.json": `{"name":"x","version":"1.0.0","lockfileVersion":3,"packages":{"":` + workspaces +
				`,"node_modules/a":{"resolved":"packages/a","link":true},"packages/a":{"name":"a","version":"1.0.0"}}}`,
		}, "packages/a/package.json", `{"name":"a","version":"1.0.0","bin":"index.js"}`},
		"included requirements": {map[string]string{
			"requirements.txt": "-r more/dev.txt\n", "more/dev.txt": "six==1.16.0\n", "main.py": "pass\n",
		}, "more/dev.txt", "six==1.17.0\n"},
	} {
		t.Run(name, func(t *testing.T) {
			p := &project{dir: t.TempDir(), repository: env.registry.Host + "/" + repositoryOf(t)}
			p.runtimeFile(t, "base: "+must(pushProbeBase())(t), "repository: "+p.repository)
			for name, content := range test.files {
				write(t, p.dir, name, content)
			}
			before := p.exported(t, "tags")
			write(t, p.dir, test.changed, test.with)
			if after := p.exported(t, "tags"); after.Lock == before.Lock || before.Lock == "" {
				t.Errorf("the lock tag stays %q", after.Lock)
			}
		})
	}
}

// TestFrontendPlatform plans for another platform, which needs no emulation.
func TestFrontendPlatform(t *testing.T) {
	t.Parallel()
	p := probe(t)
	one := p.exported(t, "plan", "--platform", "linux/s390x")
	if _, ok := one.Platforms["linux/s390x"]; !ok || len(one.Platforms) != 1 {
		t.Errorf("the plan is %+v", one)
	}
	two := p.exported(t, "plan", "--platform", both)
	if two.variants() != "scratch scratch" || two.Source != one.Source {
		t.Errorf("the plan is %+v", two)
	}
}

// TestFrontendImage checks what the options change in an image.
func TestFrontendImage(t *testing.T) {
	t.Parallel()
	p := probe(t)
	meta := filepath.Join(t.TempDir(), "meta.json")
	p.buildx(t, "--push", "-t", p.repository+":probe", "--label", "com.example.team=a", "--annotation", "com.example.note=b", "--metadata-file", meta,
		"--build-arg", "SOURCE_DATE_EPOCH=1600000000", "--build-arg", "BUILDKIT_MULTI_PLATFORM=1")
	index := tag(t, p.repository+":probe")
	if !index.isIndex || len(index.Manifests) != 1 {
		t.Fatalf("the tag holds %+v", index)
	}
	img := image(t, p.repository+":x@"+index.Manifests[0].Digest.String())
	stamp := time.Unix(1600000000, 0).UTC()
	if img.Config.Config.Labels["com.example.team"] != "a" || img.Manifest.Annotations["com.example.note"] != "b" || !img.Config.Created.Equal(stamp) {
		t.Errorf("labels %v, annotations %v, created %v", img.Config.Config.Labels, img.Manifest.Annotations, img.Config.Created)
	}
	if err := img.Layer(t.Context(), len(img.Manifest.Layers)-1, func(h *tar.Header, _ io.Reader) error {
		if !h.ModTime.Equal(stamp) {
			t.Errorf("%s is of %v", h.Name, h.ModTime)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	var told struct {
		Plan string `json:"frontend.rtbuild.plan"`
	}
	if err := json.Unmarshal(must(os.ReadFile(meta))(t), &told); err != nil {
		t.Fatal(err)
	}
	var made map[string]planned
	if err := json.Unmarshal([]byte(told.Plan), &made); err != nil {
		t.Fatalf("%v in %q", err, told.Plan)
	}
	if one := made["linux/"+runtime.GOARCH]; one.Variant != "scratch" || len(one.Publish) != 1 {
		t.Errorf("the metadata say %+v", made)
	}
	for label, want := range map[string]string{"io.rtbuild.stage=x": "label io.rtbuild.stage is rtbuild's own"} {
		if res := buildx(t, p.dir, p.buildArgs("--label", label)...); res.code != 1 || !strings.Contains(res.errorLine(), want) {
			t.Errorf("%s: exit code %d, error %q", label, res.code, res.errorLine())
		}
	}
}

// TestFrontendPull checks that --pull resolves the base again, and rebuilds images of an older base.
func TestFrontendPull(t *testing.T) {
	t.Parallel()
	p := probe(t)
	own := depsLabels()
	own[ocispecs.AnnotationBaseImageDigest] = digest.FromString("older").String()
	pushLabelled(t, p.repository, p.exported(t, "tags").Lock, own)
	if made := p.exported(t, "plan"); made.Variant != "lock" {
		t.Errorf("without --pull the plan is %+v", made.planned)
	}
	made := p.exported(t, "plan", "--pull")
	if made.Variant != "scratch" || !strings.Contains(made.Reason, "has moved") || !strings.Contains(made.From, "@"+image(t, must(pushProbeBase())(t)).Digest.String()) {
		t.Errorf("with --pull the plan is %+v", made.planned)
	}
}

// TestFrontendSourcePolicy checks that a user's source policy applies to the base.
func TestFrontendSourcePolicy(t *testing.T) {
	t.Parallel()
	p := probe(t)
	base := must(pushProbeBase())(t)
	policy := filepath.Join(t.TempDir(), "policy.json")
	b := *must(sharedBuildx())(t)
	b.Env = append(b.Env, "EXPERIMENTAL_BUILDKIT_SOURCE_POLICY="+policy)
	write(t, filepath.Dir(policy), "policy.json", `{"rules":[{"action":"DENY","selector":{"identifier":"docker-image://`+base+`"}}]}`)
	res := buildxOn(t, &b, p.dir, p.buildArgs()...)
	if res.code != 1 || !strings.Contains(res.errorLine(), "denied by policy") || marked(res) != 3 {
		t.Errorf("exit code %d, line %d, error %q\n%s", res.code, marked(res), res.errorLine(), res.stderr)
	}
	write(t, filepath.Dir(policy), "policy.json", `{"rules":[{"action":"CONVERT","selector":{"identifier":"docker-image://`+base+
		`"},"updates":{"identifier":"docker-image://`+env.base+`"}}]}`)
	succeeds(t, buildxOn(t, &b, p.dir, p.buildArgs("--target", "system", "--push", "-t", p.repository+":probe")...))
	got, want := image(t, p.repository+":probe"), image(t, env.base)
	if got.Manifest.Layers[0].Digest != want.Manifest.Layers[0].Digest || len(got.Manifest.Layers) != 2 {
		t.Errorf("the image stands on %v", got.Manifest.Layers)
	}
}
