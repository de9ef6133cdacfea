package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rtbuild/rtbuild/internal/testenv"
)

// invalidInTarget matches characters that are invalid in the name of a bake target.
var invalidInTarget = regexp.MustCompile(`[^A-Za-z0-9_-]`)

// bakeProject is a copy of examples/bake with the tests' bases, and its targets.
type bakeProject struct {
	*project
	buildx testenv.Buildx
	bases  []string
	tags   map[string][]string // by target
}

// newBakeProject returns a project for both agents on n bases. Client and bake use the same target names.
func newBakeProject(t *testing.T, n int) *bakeProject {
	t.Helper()
	b := &bakeProject{project: &project{dir: t.TempDir(), repository: env.registry.Host + "/" + repositoryOf(t)}, buildx: *must(sharedBuildx())(t)}
	if err := os.CopyFS(b.dir, os.DirFS(filepath.Join("..", "..", "examples", "bake"))); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(b.dir, "runtime.yaml")
	edit(t, file, "ghcr.io/rtbuild/rtbuild-frontend:1", frontendRef(t))
	edit(t, file, "registry.example.com/team/agents", b.repository)
	edit(t, file, "packages: [ca-certificates]", "user: root") // the tests' base has no programs to create a user
	args := []string{"tags", "--format", "bake", "-f", "runtime.yaml"}
	base := image(t, must(pushProbeBase())(t))
	for i := range n {
		tag := fmt.Sprintf("base-%d", i)
		must(env.registry.PushManifest(t.Context(), "node", tag, base.Manifest.MediaType, base.Manifest))(t)
		b.bases = append(b.bases, env.registry.Host+"/node:"+tag)
		args = append(args, "--base-image", b.bases[i])
	}
	b.buildx.Env = append(b.buildx.Env, "BASES="+strings.Join(b.bases, ","))
	made := succeed(t, b.dir, append(args, "agents/echo", "agents/shell")...).stdout
	write(t, b.dir, "tags.json", made)
	b.tags = map[string][]string{}
	for name, target := range decode[struct {
		Target map[string]struct{ Tags []string }
	}](t, made).Target {
		b.tags[name] = target.Tags
	}
	return b
}

// planLine matches the progress line of a plan. bake writes the target's name before the stage.
var planLine = regexp.MustCompile(`^(#\d+) \[\S+ plan\] (none|lock|versioned|scratch): `)

// isSource reports whether a request is for a source tag. Agents of one version share a versioned tag, and overwrite it.
func (b *bakeProject) isSource(request string) bool {
	for name, tags := range b.tags {
		if _, tag, _ := strings.Cut(tags[0], "oh_"); strings.HasSuffix(name, "-source") && strings.HasSuffix(request, "/manifests/oh_"+tag) {
			return true
		}
	}
	return false
}

// bake builds targets. It counts the variants of their plans, and the source images and blobs that are written to the registry.
func (b *bakeProject) bake(t *testing.T, targets ...string) (variants map[string]int, written, uploads int) {
	t.Helper()
	env.registry.Traffic()
	res := succeeds(t, buildxOn(t, &b.buildx, b.dir, append([]string{"bake", "--progress", "plain", "-f", "docker-bake.hcl", "-f", "tags.json"}, targets...)...))
	_, _, requests := env.registry.Traffic()
	variants = map[string]int{}
	plans := map[string]bool{} // by number: plain progress writes a step's line again whenever it comes back to the step
	for line := range strings.Lines(res.stderr) {
		if said := planLine.FindStringSubmatch(line); said != nil && !plans[said[1]] {
			plans[said[1]] = true
			variants[said[2]]++
		}
	}
	for _, request := range requests {
		switch {
		case strings.HasPrefix(request, "PUT ") && b.isSource(request):
			written++
		case strings.HasPrefix(request, "POST ") && strings.Contains(request, "/blobs/uploads"):
			uploads++
		}
	}
	if t.Failed() {
		t.Log(res.stderr)
	}
	return variants, written, uploads
}

// TestFrontendBake bakes two agents on five bases. Of these twenty targets, nineteen exist the second time.
func TestFrontendBake(t *testing.T) {
	b := newBakeProject(t, 5)
	if len(b.tags) != 20 {
		t.Fatalf("the client has the targets %v", b.tags)
	}
	last := "shell-" + invalidInTarget.ReplaceAllString(b.bases[4], "-") + "-source"
	if len(b.tags[last]) != 1 {
		t.Fatalf("no target %s in %v", last, b.tags)
	}
	var first []string
	for name := range b.tags {
		if name != last {
			first = append(first, name)
		}
	}
	slices.Sort(first)
	variants, _, _ := b.bake(t, first...)
	t.Logf("the first bake: %v", variants)
	for name, tags := range b.tags {
		for _, ref := range tags {
			if name != last {
				image(t, ref)
			}
		}
	}
	variants, written, uploads := b.bake(t)
	t.Logf("the second bake: %v, %d source manifests, %d blobs", variants, written, uploads)
	// Targets with equal plans share a progress line, so the registry's requests show what is not built.
	if variants["lock"] != 1 || variants["scratch"]+variants["versioned"] != 0 || written != 1 || uploads > 2 {
		t.Errorf("of 20 targets with one to build: %v; %d source manifests and %d blobs are written", variants, written, uploads)
	}
	variants, written, uploads = b.bake(t)
	if variants["none"] == 0 || len(variants) != 1 || written != 0 || uploads != 0 {
		t.Errorf("with nothing to do: %v; %d source manifests and %d blobs are written", variants, written, uploads)
	}
	t.Run("the client's image", func(t *testing.T) {
		again := b.repository + "-client"
		args := []string{"--progress", "plain", "-f", "runtime.yaml", "--repository", again, "--base-image", b.bases[4], "agents/shell"}
		res := succeed(t, b.dir, append([]string{"solve"}, args...)...)
		sameDigest(t, "source", strings.TrimSpace(res.stdout), b.tags[last][0])
	})
}
