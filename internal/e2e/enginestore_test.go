package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rtbuild/rtbuild/internal/testenv"
)

// stored returns a project whose images live in an engine's store: its directory has a name of its own, and its base is only there.
func stored(t *testing.T, e *testenv.Engine) *project {
	t.Helper()
	p := small(t)
	dir := filepath.Join(t.TempDir(), repositoryOf(t))
	if err := os.Rename(p.dir, dir); err != nil {
		t.Fatal(err)
	}
	p.dir, p.repository, p.base = dir, repositoryOf(t), "only-here:"+strings.ToLower(t.Name())
	must(e.Docker(t.Context(), "pull", "--quiet", env.base))(t)
	must(e.Docker(t.Context(), "tag", env.base, p.base))(t)
	return p
}

// inStore runs a command of the client for a project whose images live in an engine's store.
func (p *project) inStore(t *testing.T, e *testenv.Engine, command string, more ...string) result {
	t.Helper()
	args := append([]string{command, "--base-image", p.base}, more...)
	if command == "solve" {
		args = append(args, "--progress", "plain", "--network", "host")
	}
	return onEngine(t, e, p.dir, args...)
}

// solvesInStore solves, and checks the variant. It returns the image's name.
func (p *project) solvesInStore(t *testing.T, e *testenv.Engine, variant string, more ...string) string {
	t.Helper()
	res := p.inStore(t, e, "solve", more...)
	if res.code != 0 || !strings.HasPrefix(res.stderr, variant+": ") {
		t.Fatalf("the variant is not %s, or exit code %d\n%s", variant, res.code, res.stderr)
	}
	return strings.TrimSpace(res.stdout)
}

// runs starts an image on the engine and returns what it prints.
func (p *project) runsOn(t *testing.T, e *testenv.Engine, ref string) string {
	t.Helper()
	return must(e.Docker(t.Context(), "run", "--rm", "--network", "host", ref))(t)
}

// TestEngineStore builds with a Docker engine alone: no registry, no buildkitd, no flag. All variants find their images in the engine's
// store, and docker run starts the result.
func TestEngineStore(t *testing.T) {
	t.Parallel()
	e := engine(t)
	p := stored(t, e)
	scratch := p.solvesInStore(t, e, "scratch")
	if got := p.runsOn(t, e, scratch); strings.TrimSpace(got) != "true" {
		t.Errorf("the image prints %q", got)
	}
	made := decode[planned](t, p.inStore(t, e, "plan", "--format", "json").stdout)
	if made.Variant != "none" || made.Exists["lock"] != "fresh" || made.Exists["versioned"] != "fresh" || made.Images.Source != scratch {
		t.Errorf("afterwards, the plan is %+v", made)
	}
	p.solvesInStore(t, e, "none")
	write(t, p.dir, "server.js", "console.log('edited', require('is-number')(1))\n")
	edited := p.solvesInStore(t, e, "lock")
	if got := p.runsOn(t, e, edited); strings.TrimSpace(got) != "edited true" {
		t.Errorf("after an edit, the image prints %q", got)
	}
	write(t, p.dir, "package-lock.json", lockOf("6.0.0", isNumber6))
	write(t, p.dir, "package.json", `{"name":"small","version":"1.0.0","dependencies":{"is-number":"6.0.0"}}`)
	p.solvesInStore(t, e, "versioned")
	own := p.repository + ":dev"
	last := p.solvesInStore(t, e, "none", "--load", "-t", own, "-t", "me/"+own)
	list := strings.Fields(must(e.Docker(t.Context(), "images", "--format", "{{.Repository}}:{{.Tag}}"))(t))
	for _, name := range []string{scratch, edited, last, own, "me/" + own} {
		if !slices.Contains(list, name) {
			t.Errorf("docker images lists no %s: %q", name, list)
		}
	}
	for _, name := range list {
		if strings.HasPrefix(name, p.repository+":new-") {
			t.Errorf("%s is left", name)
		}
	}
	if res := p.inStore(t, e, "solve", "--push"); res.code != 2 || !strings.Contains(res.errorLine(), "give --repository HOST/PATH") {
		t.Errorf("--push: exit code %d: %s", res.code, res.stderr)
	}
}

// TestEngineStorePlatforms solves for two platforms at once: the names then hold both, as in a registry.
func TestEngineStorePlatforms(t *testing.T) {
	t.Parallel()
	e := engine(t)
	remote := twoPlatforms(t)
	p := stored(t, e)
	lock := decode[planned](t, p.inStore(t, e, "plan", "--format", "json").stdout).Images.Lock
	from := remote.plan(t).Images.Lock
	for _, platform := range strings.Split(both, ",") {
		must(e.Docker(t.Context(), "pull", "--quiet", "--platform", platform, from))(t)
	}
	must(e.Docker(t.Context(), "tag", from, lock))(t)
	var all sync.WaitGroup
	for _, platform := range strings.Split(both, ",") {
		all.Go(func() {
			if res := p.inStore(t, e, "solve", "--platform", platform); res.code != 0 || !strings.HasPrefix(res.stderr, "lock: ") {
				t.Errorf("%s: exit code %d\n%s", platform, res.code, res.stderr)
			}
		})
	}
	all.Wait()
	source := decode[planned](t, p.inStore(t, e, "plan", "--format", "json").stdout).Images.Source
	for _, platform := range strings.Split(both, ",") {
		must(e.Docker(t.Context(), "image", "inspect", "--platform", platform, source))(t)
		if made := decode[planned](t, p.inStore(t, e, "plan", "--format", "json", "--platform", platform).stdout); made.Variant != "none" {
			t.Errorf("%s: the plan is %+v", platform, made)
		}
	}
}

// TestEngineStoreRemoved removes images from the engine: the next solve makes them again, and asks no registry for them.
func TestEngineStoreRemoved(t *testing.T) {
	t.Parallel()
	e := engine(t)
	p := stored(t, e)
	source := p.solvesInStore(t, e, "scratch")
	made := decode[planned](t, p.inStore(t, e, "plan", "--format", "json").stdout)
	must(e.Docker(t.Context(), "image", "rm", source))(t)
	p.solvesInStore(t, e, "lock")
	must(e.Docker(t.Context(), "image", "rm", source, made.Images.Lock))(t)
	p.solvesInStore(t, e, "versioned")
	must(e.Docker(t.Context(), "image", "rm", source, made.Images.Lock, made.Images.Versioned))(t)
	p.solvesInStore(t, e, "scratch")
	if got := p.runsOn(t, e, source); strings.TrimSpace(got) != "true" {
		t.Errorf("the image prints %q", got)
	}
}

// TestEngineStoreTwice runs two solves at once into one store.
func TestEngineStoreTwice(t *testing.T) {
	t.Parallel()
	e := engine(t)
	p := stored(t, e)
	var both sync.WaitGroup
	names := make([]string, 2)
	for i := range names {
		both.Go(func() {
			if res := p.inStore(t, e, "solve"); res.code != 0 {
				t.Errorf("exit code %d\n%s", res.code, res.stderr)
			} else {
				names[i] = strings.TrimSpace(res.stdout)
			}
		})
	}
	both.Wait()
	if names[0] == "" || names[0] != names[1] {
		t.Fatalf("the images are %q", names)
	}
	p.solvesInStore(t, e, "none")
	if got := p.runsOn(t, e, names[0]); strings.TrimSpace(got) != "true" {
		t.Errorf("the image prints %q", got)
	}
}

// TestEngineDies kills the engine during a step.
func TestEngineDies(t *testing.T) {
	t.Parallel()
	e := freshEngine(t, testenv.EngineOptions{})
	p := stored(t, e)
	cmd := start(t, p.dir, "solve", "--base-image", p.base, "--progress", "plain", "--retries", "0", "--network", "host")
	cmd.Env = append(cmd.Env, "BUILDKIT_HOST=", "DOCKER_HOST="+e.Host, "RTBUILD_HOME="+t.TempDir())
	onOutput(t, cmd, "[system] ", e.Kill)
	res := finish(t, cmd)
	if res.code != 4 || !strings.Contains(res.errorLine(), "Docker engine docker://default") {
		t.Errorf("exit code %d\n%s", res.code, res.stderr)
	}
	if !strings.Contains(res.stderr, "docker version") {
		t.Errorf("it does not say what to do:\n%s", res.stderr)
	}
}
