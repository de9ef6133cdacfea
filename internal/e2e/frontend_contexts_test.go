package e2e

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// layoutOf copies an image of the shared registry into an OCI layout, and returns the layout as a context.
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

// TestFrontendBaseContext takes the base from a context. A named image is another base, a layout of the same image is not.
func TestFrontendBaseContext(t *testing.T) {
	t.Parallel()
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
		"base=" + t.TempDir():                   "is not an image",
		"deps=" + t.TempDir():                   "is not an image",
		"base=docker-image://" + base + "-none": "does not exist",
	} {
		res := buildx(t, p.dir, p.buildArgs("--build-context", spec)...)
		if res.code != 1 || !strings.Contains(res.errorLine(), want) {
			t.Errorf("%s: exit code %d, error %q, want %q in it\n%s", spec, res.code, res.errorLine(), want, res.stderr)
		}
	}
}

// served serves a directory's files, and returns the address.
func served(t *testing.T, dir string) string {
	t.Helper()
	server := httptest.NewServer(http.FileServer(http.Dir(dir)))
	t.Cleanup(server.Close)
	return server.URL
}

// commit makes a directory a Git repository, and returns a bare copy that any web server can serve.
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

// TestFrontendContexts checks that all kinds of contexts give the same tags and the same image.
func TestFrontendContexts(t *testing.T) {
	t.Parallel()
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
			"the build context " + page + " is a single file": {page},
			"context source=" + page + " is a single file":    {"-f", file, "--build-context", "source=" + page, empty},
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

// TestFrontendLinks checks that links to uncopied files are followed, and that links out of the context are refused.
func TestFrontendLinks(t *testing.T) {
	t.Parallel()
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
