package e2e

import (
	"archive/tar"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/internal/testenv"
)

// exported builds a target that gives a JSON file, and reads it.
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

// pushLabelled puts a small image with labels under a tag of the project's repository, or of another.
func pushLabelled(t *testing.T, repository, tag string, labels map[string]string) {
	t.Helper()
	config := ocispecs.Image{
		Platform: ocispecs.Platform{OS: "linux", Architecture: runtime.GOARCH},
		Config:   ocispecs.ImageConfig{Labels: labels, Env: []string{"PATH=/bin"}},
	}
	name := strings.TrimPrefix(repository, env.registry.Host+"/")
	must(env.registry.PushImage(t.Context(), name, tag, config, layerOf(t, map[string]string{"deps": tag})))(t)
}

// depsLabels are those of a deps image of ours.
func depsLabels() map[string]string {
	return map[string]string{
		plan.LabelStage: plan.StageDeps, plan.LabelRecipe: "1", plan.LabelUID: "0", plan.LabelGID: "0", plan.LabelLayers: "1",
	}
}

// TestFrontendBuildArgs gives every build argument, and looks at the plan.
func TestFrontendBuildArgs(t *testing.T) {
	p := probe(t)
	before := p.exported(t, "plan")
	if before.Variant != "scratch" || before.From == "" {
		t.Fatalf("the plan is %+v", before.planned)
	}
	elsewhere := p.repository + "-elsewhere"
	pushLabelled(t, p.repository+"-locked", before.Lock, depsLabels())
	pushLabelled(t, p.repository+"-old", before.Lock, func() map[string]string {
		labels := depsLabels()
		labels[plan.LabelRecipe] = "0"
		return labels
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
			return m.Variant == "scratch" && strings.Contains(m.Reason, "--variant versioned enters on it nevertheless")
		}},
		{"EXTRA_DEPS", []string{"EXTRA_DEPS=true"}, func(m planned) bool { return m.Lock == before.Lock && m.Source != before.Source }},
		{"REUSE_FROM", []string{"REUSE_FROM=" + elsewhere + "," + p.repository + "-locked"}, func(m planned) bool {
			return m.Variant == "lock" && strings.HasPrefix(m.From, p.repository+"-locked:"+before.Lock+"@") && m.Images == before.Images
		}},
		{"lock image", []string{"REPOSITORY=" + p.repository + "-locked"}, func(m planned) bool { return m.Variant == "lock" }},
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

// TestFrontendProfile chooses between two profiles that a project could have.
func TestFrontendProfile(t *testing.T) {
	p := &project{t.TempDir(), env.registry.Host + "/" + repositoryOf(t)}
	p.runtimeFile(t, "base: "+must(pushProbeBase())(t), "repository: "+p.repository)
	write(t, p.dir, "package.json", `{"name":"x","version":"1.0.0"}`)
	write(t, p.dir, "package-lock.json", `{"name":"x","version":"1.0.0","lockfileVersion":3,"packages":{"":{"name":"x","version":"1.0.0"}}}`)
	write(t, p.dir, "requirements.txt", "")
	node, python := p.exported(t, "tags", "--build-arg", "PROFILE=node"), p.exported(t, "tags", "--build-arg", "PROFILE=python")
	if node.Lock == python.Lock || !strings.HasPrefix(node.Lock, "oh_v1.0.0_") || !strings.HasPrefix(python.Lock, "oh_vunknown_") {
		t.Errorf("lock tags: node %q, python %q", node.Lock, python.Lock)
	}
}

// TestFrontendBadBuildArgs: what has no meaning is an error, what nobody knows a warning.
func TestFrontendBadBuildArgs(t *testing.T) {
	p := probe(t)
	for _, test := range []struct{ arg, want string }{
		{"FORCE_REBUILD=maybe", `invalid build argument FORCE_REBUILD "maybe": must be true or false`},
		{"VARIANT=lok", `invalid build argument VARIANT "lok": must be none, lock, versioned or scratch`},
		{"VARIANT=lock", "variant lock cannot be built: no lock image"},
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

// openhands is a project of the original's kind, for the frontend.
func openhands(t *testing.T) *project {
	t.Helper()
	p := &project{t.TempDir(), env.registry.Host + "/" + repositoryOf(t)}
	write(t, p.dir, "pyproject.toml", "[tool.poetry]\nname = \"openhands-ai\"\nversion = \"0.16.1\"\n")
	write(t, p.dir, "poetry.lock", "# nothing\n")
	write(t, p.dir, "openhands/__init__.py", "x = 1\n")
	write(t, p.dir, "openhands/b.log", "hashed by the original's rules\n")
	p.runtimeFile(t, "repository: "+p.repository)
	return p
}

// TestFrontendNoBrowser leaves the browser out.
func TestFrontendNoBrowser(t *testing.T) {
	p := openhands(t)
	with, without := p.exported(t, "tags"), p.exported(t, "tags", "--build-arg", "NO_BROWSER=1")
	if with.Lock == "" || with.Lock == without.Lock {
		t.Errorf("lock tags: with a browser %q, without %q", with.Lock, without.Lock)
	}
}

// TestFrontendDockerignore: it counts where the profile says so, for hashing and copying alike.
func TestFrontendDockerignore(t *testing.T) {
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

// sees is an extra command that writes what a step sees.
const sees = `extra: "{ env; echo limit=$(ulimit -Sn)/$(ulimit -Hn); cat /etc/hosts; hostname; cat /proc/self/cgroup; ` +
	`df -k /dev/shm | tail -1; cat $HOME/.npmrc || true; test -S $SSH_AUTH_SOCK && echo has an agent; cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes || true; } > seen 2>&1"`

// TestFrontendSteps has every step see what the command line says.
func TestFrontendSteps(t *testing.T) {
	p := probe(t, sees)
	secret := filepath.Join(t.TempDir(), "npmrc")
	write(t, filepath.Dir(secret), "npmrc", "//example.com/:_authToken=very-secret\n")
	_, key := withAgent(t)
	flags := []string{
		"--add-host", "peer.example.com=10.1.2.3", "--ulimit", "nofile=1234:2345", "--shm-size", "32m", "--cgroup-parent", "/rtbuild-e2e",
		"--resource", "memory=64m", "--secret", "id=npmrc,src=" + secret, "--ssh", "default=" + key, "--build-arg", "BUILDKIT_SANDBOX_HOSTNAME=sandbox.example.com",
		"--build-arg", "HTTP_PROXY=http://one.example.com", "--build-arg", "no_proxy=two.example.com",
	}
	seen := p.probed(t, flags...)["/agent/code/seen"]
	for _, want := range []string{
		"10.1.2.3\tpeer.example.com\n", "limit=1234/2345\n", " 32768 ", "rtbuild-e2e", "67108864\n", "very-secret\n", "has an agent\n", "\nsandbox.example.com\n",
		"HTTP_PROXY=http://one.example.com\n", "no_proxy=two.example.com\n", "NO_PROXY=two.example.com\n",
	} {
		if !strings.Contains(seen, want) {
			t.Errorf("a step does not see %q", want)
		}
	}
	if t.Failed() {
		t.Logf("it sees\n%s", seen)
	}
	img := image(t, p.repository+":probe")
	for _, secret := range []string{"one.example.com", "two.example.com", "very-secret", "HTTP_PROXY"} {
		if strings.Contains(string(img.RawConfig()), secret) {
			t.Errorf("the config tells of %q: %s", secret, img.RawConfig())
		}
	}
	if _, ok := must(img.Tree(t.Context()))(t)["/root/.npmrc"]; ok {
		t.Error("the image holds the secret")
	}
	t.Run("proxies are in no cache key", func(t *testing.T) {
		flags[slices.Index(flags, "HTTP_PROXY=http://one.example.com")] = "HTTP_PROXY=http://other.example.com"
		if res := p.buildx(t, flags...); !cached(res.stderr, "[extra]") {
			t.Errorf("with another proxy it ran again:\n%s", res.stderr)
		}
	})
}

// rawManifest reads a manifest as it is.
func rawManifest(t *testing.T, ref string) []byte {
	t.Helper()
	repository, name, _ := strings.Cut(strings.TrimPrefix(ref, env.registry.Host+"/"), ":")
	return download(t, "/v2/"+repository+"/manifests/"+name)
}

// download reads a path of the shared registry.
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

// layoutOf copies an image of the shared registry into an OCI layout, and gives it as a context.
func layoutOf(t *testing.T, ref string) string {
	t.Helper()
	dir, manifest := t.TempDir(), rawManifest(t, ref)
	img := image(t, ref)
	repository, _, _ := strings.Cut(strings.TrimPrefix(ref, env.registry.Host+"/"), ":")
	blob := func(d digest.Digest, data []byte) { write(t, dir, "blobs/sha256/"+d.Encoded(), string(data)) }
	blob(img.Digest, manifest)
	for _, d := range append(slices.Clone(img.Manifest.Layers), img.Manifest.Config) {
		blob(d.Digest, download(t, "/v2/"+repository+"/blobs/"+d.Digest.String()))
	}
	index := ocispecs.Index{Versioned: specs.Versioned{SchemaVersion: 2}, Manifests: []ocispecs.Descriptor{
		{MediaType: ocispecs.MediaTypeImageManifest, Digest: img.Digest, Size: int64(len(manifest))},
	}}
	write(t, dir, "index.json", string(must(json.Marshal(index))(t)))
	write(t, dir, "oci-layout", `{"imageLayoutVersion":"1.0.0"}`)
	return "oci-layout://" + dir + "@" + img.Digest.String()
}

// TestFrontendBaseContext takes the base from a context: by name it is another base, from a layout the same.
func TestFrontendBaseContext(t *testing.T) {
	p := probe(t)
	base := must(pushProbeBase())(t)
	before := p.exported(t, "tags")
	other := p.exported(t, "tags", "--build-context", "base=docker-image://"+env.base)
	if want := p.exported(t, "tags", "--build-arg", "BASE_IMAGE="+env.base); other.Versioned != want.Versioned || other.Versioned == before.Versioned {
		t.Errorf("the versioned tag is %s, with the base as an argument %s", other.Versioned, want.Versioned)
	}
	p.buildx(t, "--push", "-t", p.repository+":registry")
	res := p.buildx(t, "--push", "-t", p.repository+":layout", "--build-context", "base="+layoutOf(t, base))
	one, two := image(t, p.repository+":registry"), image(t, p.repository+":layout")
	if one.Digest != two.Digest {
		t.Errorf("from the registry:\n%s\nfrom a layout:\n%s\n%s", one.RawConfig(), two.RawConfig(), res.stderr)
	}
	for spec, want := range map[string]string{
		"base=" + t.TempDir():                   "is no image",
		"deps=" + t.TempDir():                   "is no image",
		"base=docker-image://" + base + "-none": "does not exist",
	} {
		res := buildx(t, p.dir, p.buildArgs("--build-context", spec)...)
		if res.code != 1 || !strings.Contains(res.errorLine(), want) {
			t.Errorf("%s: exit code %d, error %q, want %q in it\n%s", spec, res.code, res.errorLine(), want, res.stderr)
		}
	}
}

// served gives the address of a server of a directory's files.
func served(t *testing.T, dir string) string {
	t.Helper()
	server := httptest.NewServer(http.FileServer(http.Dir(dir)))
	t.Cleanup(server.Close)
	return server.URL
}

// commit makes a directory a repository, and gives it in the form that any web server can serve.
func commit(t *testing.T, dir string) (bare string) {
	t.Helper()
	bare = filepath.Join(t.TempDir(), "project.git")
	for _, args := range [][]string{
		{"-C", dir, "init", "-q", "-b", "main"}, {"-C", dir, "add", "-A"},
		{"-C", dir, "-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "-q", "-m", "x"},
		{"clone", "-q", "--bare", dir, bare}, {"-C", bare, "update-server-info"},
	} {
		cmd := exec.CommandContext(t.Context(), "git", args...)
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	return bare
}

// TestFrontendContexts reads the same project from everywhere: same tags, same image.
func TestFrontendContexts(t *testing.T) {
	p := probe(t)
	write(t, p.dir, "bin/run", "#!/bin/sh\n")
	if err := os.Chmod(filepath.Join(p.dir, "bin/run"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("bin/run", filepath.Join(p.dir, "run")); err != nil {
		t.Fatal(err)
	}
	write(t, p.dir, ".dockerignore", "ignored\n")
	write(t, p.dir, "ignored/x", "x")
	p.buildx(t, "--push", "-t", p.repository+":local")
	want := image(t, p.repository+":local").Digest
	bare := commit(t, p.dir)
	archive := filepath.Join(t.TempDir(), "project.tar.gz")
	if out, err := exec.Command("tar", "-czf", archive, "--exclude=.git", "-C", p.dir, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	empty := t.TempDir()
	write(t, empty, "runtime.yaml", string(must(os.ReadFile(filepath.Join(p.dir, "runtime.yaml")))(t)))
	git, web := served(t, filepath.Dir(bare)), served(t, filepath.Dir(archive))
	file := filepath.Join(empty, "runtime.yaml")
	for name, args := range map[string][]string{
		"git":              {"-f", "runtime.yaml", git + "/project.git#main"},
		"archive":          {"-f", "runtime.yaml", web + "/project.tar.gz"},
		"source=directory": {"-f", file, "--build-context", "source=" + p.dir, empty},
		"source=git":       {"-f", file, "--build-context", "source=" + git + "/project.git#main", empty},
		"source=archive":   {"-f", file, "--build-context", "source=" + web + "/project.tar.gz", empty},
		"other file":       {"-f", file, p.dir},
	} {
		t.Run(name, func(t *testing.T) {
			tag := p.repository + ":" + notInRepository.ReplaceAllString(name, "-")
			succeeds(t, buildx(t, empty, append([]string{"build", "--progress", "plain", "--provenance=false", "--push", "-t", tag}, args...)...))
			if got := image(t, tag); got.Digest != want {
				t.Errorf("digest %s, from the directory it is %s; it holds %q", got.Digest, want, added(t, tag))
			}
		})
	}
	t.Run("no archive", func(t *testing.T) {
		page := served(t, empty) + "/runtime.yaml"
		for name, args := range map[string][]string{
			"the build context " + page + " is a file alone": {page},
			"context source=" + page + " is a file alone":    {"-f", file, "--build-context", "source=" + page, empty},
		} {
			res := buildx(t, empty, append([]string{"build", "--progress", "plain"}, args...)...)
			p.isRefused(t, res, name, "# syntax=")
		}
	})
	t.Run("file from the web, project from here", func(t *testing.T) {
		tag := p.repository + ":file"
		succeeds(t, buildx(t, empty, "build", "--progress", "plain", "--provenance=false", "--push", "-t", tag,
			"--build-context", "source="+p.dir, served(t, empty)+"/runtime.yaml"))
		if got := image(t, tag); got.Digest != want {
			t.Errorf("digest %s, from the directory it is %s; it holds %q", got.Digest, want, added(t, tag))
		}
	})
	t.Run("standard input", func(t *testing.T) {
		cmd := must(sharedBuildx())(t).Command(t.Context(), "build", "--progress", "plain", "--provenance=false", "--push",
			"-t", p.repository+":stdin", "-f", "runtime.yaml", "-")
		in := must(os.Open(archive))(t)
		defer in.Close()
		cmd.Stdin = in
		succeeds(t, exits(t, cmd, empty))
		if got := image(t, p.repository+":stdin").Digest; got != want {
			t.Errorf("digest %s, from the directory it is %s", got, want)
		}
	})
	t.Run("buildctl", func(t *testing.T) {
		succeeds(t, buildctl(t, p.dir, "build", "--frontend", "gateway.v0", "--opt", "source="+frontendRef(t), "--opt", "filename=runtime.yaml",
			"--local", "context=.", "--local", "dockerfile=.", "--output", "type=image,push=true,oci-mediatypes=true,name="+p.repository+":buildctl"))
		if got := image(t, p.repository+":buildctl").Digest; got != want {
			t.Errorf("digest %s, by buildx it is %s", got, want)
		}
	})
}

// TestFrontendLinks follows links to files that are not copied by themselves, and refuses those that leave the context.
func TestFrontendLinks(t *testing.T) {
	p := probe(t)
	link := func(to, name string) {
		t.Helper()
		if err := os.Symlink(to, filepath.Join(p.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	write(t, p.dir, ".dockerignore", "hidden\n")
	write(t, p.dir, "hidden/file", "what a link leads to")
	link("hidden/file", "linked")
	files := p.probed(t)
	if files["/agent/code/linked"] != "what a link leads to" || files["/agent/code/hidden/file"] != "" {
		t.Errorf("the image holds %q", files)
	}
	before := p.exported(t, "tags")
	write(t, p.dir, "hidden/file", "changed")
	if after := p.exported(t, "tags"); after.Source == before.Source {
		t.Error("what a link leads to is in no tag")
	}
	link("nowhere", "broken")
	if res := p.buildx(t, "--target", "tags", "-o", "type=cacheonly"); !strings.Contains(res.stderr, "broken") {
		t.Errorf("a broken link is not told:\n%s", res.stderr)
	}
	link("/etc/hostname", "outside")
	link("../../etc/hostname", "above")
	res := buildx(t, p.dir, p.buildArgs()...)
	for _, want := range []string{"links that leave the context", "outside", "above"} {
		if res.code != 1 || !strings.Contains(res.errorLine(), want) {
			t.Errorf("exit code %d, error %q, want %q in it\n%s", res.code, res.errorLine(), want, res.stderr)
		}
	}
}

// TestFrontendManifests: the files that a manager reads besides the lock file are in the lock tag.
func TestFrontendManifests(t *testing.T) {
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
			p := &project{t.TempDir(), env.registry.Host + "/" + repositoryOf(t)}
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

// TestFrontendPlatform plans for a platform that this machine need not be able to run.
func TestFrontendPlatform(t *testing.T) {
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

// TestFrontendImage tells what the options do to an image.
func TestFrontendImage(t *testing.T) {
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

// withDependencies is a project that a stand-in for npm installs.
func withDependencies(t *testing.T, lines ...string) *project {
	t.Helper()
	p := probe(t, lines...)
	edit(t, filepath.Join(p.dir, "runtime.yaml"), "dependencies: {manager: none}", "dependencies: {manager: npm}")
	write(t, p.dir, "package.json", `{"name":"`+repositoryOf(t)+`","version":"1.0.0"}`)
	write(t, p.dir, "package-lock.json", `{"name":"x","version":"1.0.0","lockfileVersion":3,"packages":{"":{"name":"x","version":"1.0.0"}}}`)
	return p
}

// TestFrontendDependencies: the deps stage has secrets and caches, and leaves none of them.
func TestFrontendDependencies(t *testing.T) {
	p := withDependencies(t)
	secret := filepath.Join(t.TempDir(), "npmrc")
	write(t, filepath.Dir(secret), "npmrc", "//example.com/:_authToken=very-secret\n")
	build := func(more ...string) map[string]string {
		t.Helper()
		return p.probed(t, append([]string{"--target", "deps", "--secret", "id=npmrc,src=" + secret}, more...)...)
	}
	first := build()
	if !strings.Contains(first["/agent/code/node_modules/seen"], "very-secret") {
		t.Errorf("the image holds %q", first)
	}
	if _, ok := tree(t, p.repository+":probe")["/root/.npmrc"]; ok {
		t.Error("the image holds the secret")
	}
	const run = "/agent/code/node_modules/run"
	for flag, again := range map[string]bool{
		"--no-cache-filter=deps": true, "--no-cache": true, "--no-cache-filter=system,source,extra": false, "--provenance=false": false,
	} {
		t.Run(flag, func(t *testing.T) {
			before := build()[run] // without a flag, the last one that was run
			if after := build(flag)[run]; before == "" || (after != before) != again {
				t.Errorf("the run was %s, it is %s", before, after)
			}
		})
	}
	t.Run("cache namespace", func(t *testing.T) {
		var runs []int
		for n, namespace := range []string{"one", "one", "other"} {
			write(t, p.dir, "package.json", fmt.Sprintf(`{"name":"x","version":"1.0.0","author":"%d"}`, n))
			files := build("--build-arg", "BUILDKIT_CACHE_MOUNT_NS="+p.repository+"-"+namespace)
			runs = append(runs, strings.Count(files["/agent/code/node_modules/runs"], "run\n"))
		}
		if !slices.Equal(runs, []int{1, 2, 1}) {
			t.Errorf("the caches have seen %v runs", runs)
		}
	})
}

// TestFrontendOtherBuilder has another builder take the steps' results from a registry, and one step the host's network.
func TestFrontendOtherBuilder(t *testing.T) {
	p := withDependencies(t, `extra: "ls /sys/class/net > interfaces; wc -l < /proc/net/route >> interfaces"`)
	cache := p.repository + ":cache"
	p.buildx(t, "--cache-to", "type=registry,mode=max,ref="+cache)
	b := newBuildx(t, freshBuilder(t, testenv.BuilderOptions{Args: []string{"--allow-insecure-entitlement", "network.host"}}))
	t.Run("cache-from", func(t *testing.T) {
		res := succeeds(t, buildxOn(t, b, p.dir, p.buildArgs("--cache-from", cache)...))
		for _, step := range []string{"make /agent/code", "npm ci", "[extra]"} {
			if !cached(res.stderr, step) {
				t.Errorf("%s ran again:\n%s", step, res.stderr)
			}
		}
	})
	t.Run("network", func(t *testing.T) {
		if got := p.probed(t, "--network", "none")["/agent/code/interfaces"]; got != "lo\n1\n" {
			t.Errorf("without a network a step has %q", got)
		}
		res := buildx(t, p.dir, p.buildArgs("--network", "host")...)
		if res.code != 1 || !strings.Contains(res.stderr, "network.host") {
			t.Errorf("exit code %d:\n%s", res.code, res.stderr)
		}
		succeeds(t, buildxOn(t, b, p.dir, p.buildArgs("--network", "host", "--allow", "network.host", "--push", "-t", p.repository+":host")...))
		if got := added(t, p.repository+":host")["/agent/code/interfaces"]; got == "lo\n1\n" || got == "" {
			t.Errorf("on the host's network a step has %q", got)
		}
	})
}

// TestFrontendPull looks for the base anew: what stands on an older one is built again.
func TestFrontendPull(t *testing.T) {
	p := probe(t)
	labels := depsLabels()
	labels[ocispecs.AnnotationBaseImageDigest] = digest.FromString("older").String()
	pushLabelled(t, p.repository, p.exported(t, "tags").Lock, labels)
	if made := p.exported(t, "plan"); made.Variant != "lock" {
		t.Errorf("without --pull the plan is %+v", made.planned)
	}
	made := p.exported(t, "plan", "--pull")
	if made.Variant != "scratch" || !strings.Contains(made.Reason, "has moved") || !strings.Contains(made.From, "@"+image(t, must(pushProbeBase())(t)).Digest.String()) {
		t.Errorf("with --pull the plan is %+v", made.planned)
	}
}

// TestFrontendSourcePolicy: a policy of the user's decides over the base.
func TestFrontendSourcePolicy(t *testing.T) {
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
