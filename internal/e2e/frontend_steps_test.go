package e2e

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rtbuild/rtbuild/internal/testenv"
)

// observe is an extra command that writes down its environment, limits and hosts.
const observe = `extra: "{ env; echo limit=$(ulimit -Sn)/$(ulimit -Hn); cat /etc/hosts; hostname; cat /proc/self/cgroup; ` +
	`df -k /dev/shm | tail -1; cat $HOME/.npmrc || true; test -S $SSH_AUTH_SOCK && echo has an agent; cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes || true; } > seen 2>&1"`

// TestFrontendSteps checks that options of the command line reach every step.
func TestFrontendSteps(t *testing.T) {
	p := probe(t, observe)
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

// withDependencies returns a project whose dependencies a stand-in for npm installs.
func withDependencies(t *testing.T, lines ...string) *project {
	t.Helper()
	p := probe(t, lines...)
	edit(t, filepath.Join(p.dir, "runtime.yaml"), "dependencies: {manager: none}", "dependencies: {manager: npm}")
	write(t, p.dir, "package.json", `{"name":"`+repositoryOf(t)+`","version":"1.0.0"}`)
	write(t, p.dir, "package-lock.json", `{"name":"x","version":"1.0.0","lockfileVersion":3,"packages":{"":{"name":"x","version":"1.0.0"}}}`)
	return p
}

// TestFrontendDependencies checks that the deps stage has secrets and caches, and that the image does not contain them.
func TestFrontendDependencies(t *testing.T) {
	t.Parallel()
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
			before := build()[run] // without the flag, the result of the last run
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

// TestFrontendOtherBuilder checks that another builder reuses the steps' results from a registry cache, and that a step can use the
// host's network.
func TestFrontendOtherBuilder(t *testing.T) {
	t.Parallel()
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
