package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rtbuild/rtbuild/internal/imagebuild"
	"github.com/rtbuild/rtbuild/internal/testenv"
)

// daemon is a version of buildkitd.
type daemon struct {
	name, binary string
	otherGzip    bool // its Go compresses gzip differently from BuildKit's releases
}

// start runs the daemon with an empty state.
func (d daemon) start(t *testing.T) *testenv.Builder {
	t.Helper()
	b := must(testenv.StartBuilder(context.Background(), d.binary, t.TempDir(), testenv.BuilderOptions{}))(t)
	t.Cleanup(func() {
		if err := b.Stop(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// buildkitd builds the daemon of hack/buildkit/NAME.
func buildkitd(t *testing.T, name string, goEnv ...string) daemon {
	t.Helper()
	return daemon{name: strings.Join(append([]string{name}, goEnv...), "-"), binary: must(testenv.BuildBuildKit(t.Context(), name, goEnv...))(t)}
}

// daemons returns the oldest BuildKit, v0.30 (the first with compatibility versions, up to 20), and the current one.
// TestSoakBuildKits tests all versions.
func daemons(t *testing.T) []daemon {
	t.Helper()
	return []daemon{buildkitd(t, "0.19"), buildkitd(t, "0.30"), {name: "newest", binary: env.Buildkitd}}
}

// TestBuildKitModules checks that the oldest tested daemon is the oldest that builds accept, and that each module pins the
// version of its directory.
func TestBuildKitModules(t *testing.T) {
	t.Parallel()
	names := must(testenv.BuildKits(t.Context()))(t)
	if oldest := must(testenv.BuildKitVersion(t.Context(), names[0]))(t); oldest != imagebuild.OldestBuildKit {
		t.Errorf("hack/buildkit begins with %s, builds accept %s", oldest, imagebuild.OldestBuildKit)
	}
	for _, name := range names {
		if version := must(testenv.BuildKitVersion(t.Context(), name))(t); !strings.HasPrefix(version, "v"+name+".") {
			t.Errorf("hack/buildkit/%s pins %s", name, version)
		}
	}
}

// hardToCompress returns content that compressors treat differently: words in random order, with noise between them.
func hardToCompress(size int) string {
	random := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	for b.Len() < size {
		if random.IntN(40) == 0 {
			for range random.IntN(2000) {
				b.WriteByte(byte(random.Uint32()))
			}
		}
		fmt.Fprintf(&b, "word%d %x\n", random.IntN(500), random.IntN(1<<20))
	}
	return b.String()
}

// withSource returns a project with a published deps image, and with many kinds of files in its unpublished source.
func withSource(t *testing.T) *project {
	t.Helper()
	p, _ := oddTree(t)
	p.solves(t, "scratch", p.repository)
	write(t, p.dir, "lib/hard.dat", hardToCompress(4<<20))
	return p
}

// TestSameDigestOnEveryBuildKit checks that fresh builders of all versions make the same source image on one deps image, with the
// client and with the frontend, for each compression and kind of export.
func TestSameDigestOnEveryBuildKit(t *testing.T) {
	t.Parallel()
	sameDigestOn(t, daemons(t))
}

func sameDigestOn(t *testing.T, daemons []daemon) {
	t.Helper()
	p := withSource(t)
	want := map[string]string{}
	for _, d := range daemons {
		for _, compression := range []string{"gzip", "zstd"} {
			t.Run(d.name+" "+compression, func(t *testing.T) {
				for kind, got := range p.exportsOn(t, d.start(t), compression) {
					if want[compression] == "" {
						want[compression] = got
					}
					if same := got == want[compression]; same == (d.otherGzip && compression == "gzip") {
						t.Errorf("%s gives %s, others %s", kind, got, want[compression])
					}
				}
			})
		}
	}
}

// exportsOn exports the source image in all ways, and returns the digests of the manifests.
func (p *project) exportsOn(t *testing.T, b *testenv.Builder, compression string) map[string]string {
	t.Helper()
	dir := t.TempDir()
	name := p.repository + ":" + strings.ReplaceAll(strings.ToLower(filepath.Base(t.Name())), "=", "_")
	digests := map[string]string{}
	for kind, output := range map[string]string{
		"image":    "type=image,push=true,name=" + name,
		"registry": "type=registry,name=" + name,
		"oci":      "type=oci,dest=" + filepath.Join(dir, "oci.tar"),
		"docker":   "type=docker,dest=" + filepath.Join(dir, "docker.tar"),
	} {
		digests[kind] = p.exportOn(t, b, output+",compression="+compression)
	}
	succeeds(t, buildxOn(t, newBuildx(t, b), p.dir,
		p.buildArgs("-o", "type=image,push=true,oci-mediatypes=true,compression="+compression+",name="+name)...))
	digests["frontend"] = image(t, name).Digest.String()
	return digests
}

// exportOn exports the source image, and returns the digest of the manifest.
func (p *project) exportOn(t *testing.T, b *testenv.Builder, output string) string {
	t.Helper()
	id := filepath.Join(t.TempDir(), "id")
	p.solves(t, "lock", p.repository, "--addr", b.Addr, "--iidfile", id, "-o", output)
	return string(must(os.ReadFile(id))(t))
}

// TestSameDigestAfterOtherExports checks that earlier exports with another compression do not change an image's digest.
func TestSameDigestAfterOtherExports(t *testing.T) {
	t.Parallel()
	p := withSource(t)
	digests := map[string]string{}
	for _, order := range [][]string{{"gzip", "zstd", "zstd,compression-level=9"}, {"zstd,compression-level=9", "zstd", "gzip"}} {
		b := freshBuilder(t, testenv.BuilderOptions{})
		for _, compression := range order {
			got := p.exportOn(t, b, "type=oci,dest="+filepath.Join(t.TempDir(), "oci.tar")+",compression="+compression)
			if want, ok := digests[compression]; ok && got != want {
				t.Errorf("after others %s gives %s, else %s", compression, got, want)
			}
			digests[compression] = got
		}
	}
	if digests["gzip"] == digests["zstd"] || digests["zstd"] == digests["zstd,compression-level=9"] {
		t.Errorf("compressions give one image: %v", digests)
	}
}

// TestOneCompression checks that exports with different compressions are refused before the build, because BuildKit's choice
// between them is not deterministic.
func TestOneCompression(t *testing.T) {
	t.Parallel()
	p := small(t)
	res := client(t, p.dir, p.args("solve", "--push", "-o", "type=oci,compression=zstd,dest="+filepath.Join(t.TempDir(), "oci.tar"))...)
	if want := "one build cannot compress its layers both by gzip and by zstd"; res.code != 2 || !strings.HasPrefix(res.errorLine(), want) {
		t.Errorf("exit code %d, error %q, want %q", res.code, res.errorLine(), want)
	}
}
