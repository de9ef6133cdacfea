package e2e

import (
	"archive/tar"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/rtbuild/rtbuild/internal/testenv"
	"github.com/rtbuild/rtbuild/llb"
)

// metadata is the content of --metadata-file.
type metadata struct {
	Digest  string `json:"containerimage.digest"`
	Exports []struct {
		Type   string            `json:"type"`
		Digest string            `json:"containerimage.digest"`
		Attrs  map[string]string `json:"attrs"`
	} `json:"exports"`
}

// TestExports exports one build to several destinations.
func TestExports(t *testing.T) {
	t.Parallel()
	p := small(t)
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	p.solve(t, "--push", "-o", "type=oci,dest="+file("oci.tar"), "-o", "type=docker,dest="+file("docker.tar"),
		"-o", "type=tar,dest="+file("root.tar"), "-o", "type=local,dest="+file("root"),
		"--metadata-file", file("meta.json"), "--iidfile", file("iid"))
	var meta metadata
	if err := json.Unmarshal(must(os.ReadFile(file("meta.json")))(t), &meta); err != nil {
		t.Fatal(err)
	}
	published := image(t, p.plan(t).Images.Source).Digest.String()
	digests := map[string]string{}
	for _, e := range meta.Exports {
		digests[e.Type] = e.Digest
	}
	for _, kind := range []string{"image", "oci"} {
		if digests[kind] != published {
			t.Errorf("export %s has digest %q, published is %s", kind, digests[kind], published)
		}
	}
	if len(meta.Exports) != 5 {
		t.Errorf("%d exports in %+v", len(meta.Exports), meta)
	}
	if iid := string(must(os.ReadFile(file("iid")))(t)); iid != published {
		t.Errorf("--iidfile holds %q, published is %s", iid, published)
	}
	for name, want := range map[string]string{
		"oci.tar": "index.json", "docker.tar": "manifest.json", "root.tar": "agent/code/server.js",
	} {
		out, err := exec.Command("tar", "-tf", file(name)).CombinedOutput()
		if err != nil || !strings.Contains("\n"+string(out), "\n"+want+"\n") {
			t.Errorf("%s has no %s: %v", name, want, err)
		}
	}
	if _, err := os.Stat(file("root/agent/code/server.js")); err != nil {
		t.Error(err)
	}
}

// TestOutputAlone checks that -o without --push publishes nothing, and can export an existing image.
func TestOutputAlone(t *testing.T) {
	t.Parallel()
	p := small(t)
	dir := t.TempDir()
	p.solve(t, "-o", "type=oci,dest="+filepath.Join(dir, "a.tar"))
	made := p.plan(t)
	if made.Variant != "scratch" {
		t.Errorf("after -o the plan is %+v", made)
	}
	p.solve(t)
	p.solve(t, "-o", filepath.Join(dir, "root"))
	if _, err := os.Stat(filepath.Join(dir, "root/agent/code/server.js")); err != nil {
		t.Error(err)
	}
}

// TestPushedOutput checks that the tags are written in order if -o pushes the image's own name.
func TestPushedOutput(t *testing.T) {
	t.Parallel()
	p := small(t)
	p.solve(t, "-o", "type=registry")
	if made := p.plan(t); made.Variant != "none" || made.Exists["lock"] != "fresh" || made.Exists["versioned"] != "fresh" {
		t.Errorf("the plan is %+v", made)
	}
}

// TestStdout checks that nothing else is written to standard output with an archive.
func TestStdout(t *testing.T) {
	t.Parallel()
	p := small(t)
	res := p.solve(t, "-o", "-")
	found := false
	for archive := tar.NewReader(strings.NewReader(res.stdout)); ; {
		h, err := archive.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		found = found || h.Name == "agent/code/server.js"
	}
	if !found || strings.HasSuffix(res.stdout, "\n") {
		t.Errorf("the archive holds the source: %t; it ends with %q", found, res.stdout[len(res.stdout)-100:])
	}
	if !strings.Contains(res.stderr, p.plan(t).Images.Source) {
		t.Errorf("stderr does not name the image: %s", res.stderr)
	}
}

// TestTwoUsers builds for two user IDs on one builder. They must not share a cache that one of them cannot write to.
func TestTwoUsers(t *testing.T) {
	t.Parallel()
	p := small(t)
	p.solve(t)
	write(t, p.dir, "runtime.yaml", "cmd: [node, server.js]\nuser: {name: other, uid: 1234, gid: 1234}\n")
	p.solve(t, "--no-cache")
	if f := tree(t, p.plan(t).Images.Source)["/agent/code/server.js"]; f.UID != 1234 || f.GID != 1234 {
		t.Errorf("the source belongs to %d:%d", f.UID, f.GID)
	}
}

// TestSameDigest builds one source on one deps image, on two fresh builders and from two checkouts with different time stamps and
// umasks. The digests must be the same.
func TestSameDigest(t *testing.T) {
	t.Parallel()
	p := small(t)
	p.solve(t)
	first := image(t, p.plan(t).Images.Source)
	for _, name := range []string{"a", "b"} {
		old := syscall.Umask(map[string]int{"a": 0o077, "b": 0o002}[name])
		again := *p
		again.dir = t.TempDir()
		err := os.CopyFS(again.dir, os.DirFS(p.dir))
		syscall.Umask(old)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(again.dir, "server.js"), 0o600); err != nil {
			t.Fatal(err)
		}
		again.solve(t, "--variant", "lock", "--addr", freshBuilder(t, testenv.BuilderOptions{}).Addr)
		if got := image(t, again.plan(t).Images.Source); got.Digest != first.Digest {
			t.Errorf("checkout %s: digest %s, the first was %s\n%s\n%s", name, got.Digest, first.Digest, got.RawConfig(), first.RawConfig())
		}
	}
}

// TestLabels checks the labels that later builds rely on.
func TestLabels(t *testing.T) {
	t.Parallel()
	p := small(t)
	p.solve(t, "--label", "a=b", "--annotation", "c=d")
	made := p.plan(t)
	source, deps := image(t, made.Images.Source), image(t, made.Images.Lock)
	want := map[string]string{
		"io.rtbuild.stage": "source", "io.rtbuild.profile": "node", "io.rtbuild.user.uid": "1000", "io.rtbuild.user.gid": "1000",
		"io.rtbuild.recipe": strconv.Itoa(llb.Recipe), "org.opencontainers.image.base.name": env.base, "org.opencontainers.image.version": "1.0.0", "a": "b",
		"org.opencontainers.image.base.digest": image(t, env.base).Digest.String(),
	}
	for key, value := range want {
		if got := source.Config.Config.Labels[key]; got != value {
			t.Errorf("label %s is %q, want %q", key, got, value)
		}
	}
	if source.Manifest.Annotations["c"] != "d" || source.Manifest.Annotations["io.rtbuild.stage"] != "source" {
		t.Errorf("annotations: %v", source.Manifest.Annotations)
	}
	if deps.Config.Config.Labels["io.rtbuild.stage"] != "deps" || deps.Config.Config.Labels["a"] != "" {
		t.Errorf("labels of deps: %v", deps.Config.Config.Labels)
	}
	for name := range tree(t, made.Images.Lock) {
		if strings.HasPrefix(name, "/agent/code/") && strings.HasSuffix(name, "server.js") {
			t.Errorf("the deps image holds source: %s", name)
		}
	}
}

// TestMovedBase checks that a moved base is reported, and that only --pull rebuilds for it.
func TestMovedBase(t *testing.T) {
	t.Parallel()
	p := small(t)
	old := image(t, env.base)
	layer := must(testenv.Base(t.Context()))(t)
	repository := strings.ToLower(t.Name()) + "-base"
	if _, err := env.registry.PushImage(t.Context(), repository, "1", old.Config, layer); err != nil {
		t.Fatal(err)
	}
	base := env.registry.Host + "/" + repository + ":1"
	p.solve(t, "--base-image", base)
	moved := old.Config
	moved.Config.Labels = map[string]string{"moved": "yes"}
	if _, err := env.registry.PushImage(t.Context(), repository, "1", moved, layer); err != nil {
		t.Fatal(err)
	}
	if made := p.plan(t, "--base-image", base); made.Variant != "none" || !strings.Contains(strings.Join(made.Notes, "\n"), "has moved") {
		t.Errorf("the plan is %+v", made)
	}
	if made := p.plan(t, "--base-image", base, "--pull"); made.Variant != "scratch" || made.Exists["source"] != "stale" {
		t.Errorf("with --pull the plan is %+v", made)
	}
	p.solve(t, "--base-image", base, "--pull")
	made := p.plan(t, "--base-image", base, "--pull")
	if made.Variant != "none" || len(made.Notes) != 0 {
		t.Errorf("after --pull the plan is %+v", made)
	}
	if image(t, made.Images.Source).Config.Config.Labels["moved"] != "yes" {
		t.Error("the image is on the old base")
	}
}

// TestReuse enters on deps images of other repositories and of an earlier version.
func TestReuse(t *testing.T) {
	t.Parallel()
	p := small(t)
	p.solve(t)
	t.Run("lock of another repository", func(t *testing.T) {
		other := *p
		other.repository += "-other"
		made := other.plan(t, "--reuse-from", p.repository)
		if made.Variant != "lock" || !strings.HasPrefix(made.From, p.repository) {
			t.Fatalf("the plan is %+v", made)
		}
		other.solve(t, "--reuse-from", p.repository)
		sameTree(t, tree(t, p.plan(t).Images.Source), tree(t, other.plan(t).Images.Source))
	})
	t.Run("versioned of an earlier version", func(t *testing.T) {
		made := p.plan(t, "--runtime-version", "2.0.0", "--previous-version", "1.0.0")
		if made.Variant != "versioned" {
			t.Errorf("the plan is %+v", made)
		}
		p.solve(t, "--runtime-version", "2.0.0", "--previous-version", "1.0.0")
	})
	t.Run("force", func(t *testing.T) {
		made := p.plan(t, "--force-rebuild")
		if made.Variant != "scratch" || len(made.Publish) != 3 {
			t.Errorf("the plan is %+v", made)
		}
	})
}

// TestExtra runs an extra command after the source stage.
func TestExtra(t *testing.T) {
	t.Parallel()
	p := small(t)
	without := p.plan(t).Source
	p.solve(t, "--extra-deps", "echo extra > made-by-extra; id -un > who")
	made := p.plan(t, "--extra-deps", "echo extra > made-by-extra; id -un > who")
	if made.Source == without {
		t.Error("the tag says nothing of it")
	}
	if _, ok := tree(t, made.Images.Source)["/agent/code/made-by-extra"]; !ok {
		t.Error("it has not run")
	}
	if made.Variant != "none" {
		t.Errorf("the plan is %+v", made)
	}
}
