package e2e

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rtbuild/rtbuild/internal/testenv"
)

// askAgent is a script that expects one key in the SSH agent. It requests the identities; the response has their number after five
// bytes.
const askAgent = `node -e "const s=require('net').connect(process.env.SSH_AUTH_SOCK);s.write(Buffer.from([0,0,0,1,11]));` +
	`let b=Buffer.alloc(0);s.on('data',d=>{b=Buffer.concat([b,d]);if(b.length>=9)process.exit(b.readUInt32BE(5)===1?0:9)})"`

// withAgent returns a small project with a dependency whose installation needs an SSH key.
func withAgent(t *testing.T) (p *project, key string) {
	t.Helper()
	p = small(t)
	packed(t, filepath.Join(p.dir, "asks.tgz"), `{"name":"asks","version":"1.0.0","scripts":{"preinstall":`+string(must(json.Marshal(askAgent))(t))+`}}`)
	write(t, p.dir, "package.json", `{"name":"small","version":"1.0.0","dependencies":{"asks":"file:asks.tgz"}}`)
	write(t, p.dir, "package-lock.json", `{"name":"small","version":"1.0.0","lockfileVersion":3,"requires":true,"packages":{
"":{"name":"small","version":"1.0.0","dependencies":{"asks":"file:asks.tgz"}},
"node_modules/asks":{"version":"1.0.0","resolved":"file:asks.tgz","hasInstallScript":true}}}
`)
	key = filepath.Join(t.TempDir(), "key")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return p, key
}

// packed writes an archive as npm pack does: a package that has a manifest alone.
func packed(t *testing.T, archive, manifest string) {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "package/package.json", manifest)
	if out, err := exec.Command("tar", "-czf", archive, "-C", dir, "package").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// installed reports whether npm ran, by its output. The builder does not print CACHED for a step whose result it fetches.
func installed(r result) bool { return strings.Contains(r.stderr, "added 1 package") }

// TestOptionsSteps checks that flags reach every step, and that other builders reuse the steps' results.
func TestOptionsSteps(t *testing.T) {
	p, key := withAgent(t)
	p.fails(t, 1, "npm ci", "--ssh", "other="+key)
	const extra = `test "$(ulimit -Sn) $(ulimit -Hn)" = "1234 2345" && df -k /dev/shm | grep -q ' 32768 ' && grep -q rtbuild-e2e /proc/self/cgroup`
	flags := []string{
		"--ssh", "default=" + key, "--ulimit", "nofile=1234:2345", "--shm-size", "32m", "--cgroup-parent", "/rtbuild-e2e",
		"--extra-deps", extra,
	}
	dir, ref := filepath.Join(t.TempDir(), "cache"), p.repository+":cache"
	first := p.solve(t, append(flags, "--cache-to", "type=local,dest="+dir+",mode=max", "--cache-to", "type=registry,ref="+ref+",mode=max")...)
	if !installed(first) {
		t.Error("the first build is not the first")
	}
	t.Run("no-cache-filter", func(t *testing.T) {
		again := p.solve(t, append(flags, "--force-rebuild", "--no-cache-filter", "deps")...)
		if !installed(again) || !strings.Contains(again.stderr, " CACHED") {
			t.Errorf("other steps should be cached, npm ci not:\n%s", again.stderr)
		}
	})
	for name, from := range map[string]string{"local": "type=local,src=" + dir, "registry": ref} {
		t.Run("cache-from "+name, func(t *testing.T) {
			other := *p
			other.repository += "-" + name
			res := other.solve(t, append(flags, "--cache-from", from, "--addr", freshBuilder(t, testenv.BuilderOptions{}).Addr)...)
			if installed(res) {
				t.Errorf("npm ran, although its result is in the cache:\n%s", res.stderr)
			}
		})
	}
	t.Run("a cache is not replaced by less", func(t *testing.T) {
		before := tag(t, ref).digest
		p.touch(t)
		res := p.solve(t, append(flags, "--cache-to", ref)...)
		if !strings.Contains(res.stderr, "NOTE: cache export skipped") || tag(t, ref).digest != before {
			t.Errorf("the cache was replaced:\n%s", res.stderr)
		}
	})
}

// TestOptionsAttest checks that attestations are published with the image, and disappear with it.
func TestOptionsAttest(t *testing.T) {
	t.Parallel()
	p := twoPlatforms(t)
	res := p.solve(t, "--provenance", "mode=max")
	got := tag(t, res.stdout)
	if !got.isIndex || got.attestationsOf("linux/amd64") != 1 {
		t.Fatalf("the tag holds %+v", got.Manifests)
	}
	if made := p.plan(t); made.Variant != "none" {
		t.Errorf("the plan is %+v", made)
	}
	p.solve(t, "--platform", "linux/arm64", "--attest", "type=provenance,mode=min")
	two := tag(t, res.stdout)
	if two.attestationsOf("linux/amd64") != 1 || two.attestationsOf("linux/arm64") != 1 || len(two.Manifests) != 4 {
		t.Errorf("the tag holds %+v", two.Manifests)
	}
	p.solve(t, "--force-rebuild", "--variant", "lock", "--label", "x=y", "--provenance", "false")
	three := tag(t, res.stdout)
	if three.attestationsOf("linux/amd64") != 0 || three.attestationsOf("linux/arm64") != 1 || len(three.Manifests) != 3 {
		t.Errorf("the tag holds %+v", three.Manifests)
	}
	archive := filepath.Join(t.TempDir(), "image.tar")
	p.solve(t, "--attest", "type=provenance", "-o", "type=oci,dest="+archive)
	if names := archived(t, archive); len(names) < 5 {
		t.Errorf("the archive holds %v", names)
	}
}

// TestOptionsAnnotations annotates an image of two platforms at every level.
func TestOptionsAnnotations(t *testing.T) {
	t.Parallel()
	p := twoPlatforms(t)
	res := p.solve(t, "--platform", both, "--annotation", "index:a=1", "--annotation", "manifest-descriptor:b=2",
		"--annotation", "manifest[linux/arm64]:c=3", "--annotation", "d=4", "--annotation", "index,manifest:e=5")
	got := tag(t, res.stdout)
	if got.Annotations["a"] != "1" || got.Annotations["e"] != "5" || len(got.Annotations) != 2 {
		t.Errorf("the index has %v", got.Annotations)
	}
	for name, c := range map[string]string{"linux/amd64": "", "linux/arm64": "3"} {
		d := got.manifestOf(name)
		m := image(t, p.repository+":x@"+d.Digest.String()).Manifest
		if d.Annotations["b"] != "2" || m.Annotations["c"] != c || m.Annotations["d"] != "4" || m.Annotations["e"] != "5" || m.Annotations["a"] != "" {
			t.Errorf("%s: descriptor %v, manifest %v", name, d.Annotations, m.Annotations)
		}
	}
	if deps := tag(t, p.plan(t).Images.Lock); deps.Annotations != nil {
		t.Errorf("the deps image has %v", deps.Annotations)
	}
}

// TestOptionsBuilder builds on builders of docker buildx create.
func TestOptionsBuilder(t *testing.T) {
	t.Parallel()
	config := t.TempDir()
	buildx := func(args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), env.Buildx, args...)
		cmd.Env = append(cmd.Environ(), "BUILDX_CONFIG="+config)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("buildx %v: %v\n%s", args, err, out)
		}
	}
	buildx("create", "--name", "far", "--driver", "remote", env.builder.Addr)
	buildx("create", "--name", "two", "--driver", "remote", "--platform", "linux/s390x", "unix:///nowhere")
	buildx("create", "--name", "two", "--append", "--platform", "linux/amd64,linux/arm64", env.builder.Addr)
	p := twoPlatforms(t)
	tests := []struct {
		name, env string
		args      []string
		code      int
		text      string // on standard error
	}{
		{"by flag", "", []string{"--builder", "far"}, 0, "lock: "},
		{"by environment", "far", nil, 0, "lock: "},
		{"two nodes", "", []string{"--builder", "two", "--platform", "linux/arm64"}, 0, "builder two has 2 nodes: everything is built on two1"},
		{"unknown", "", []string{"--builder", "near"}, 2, `no builder "near": there is far, two`},
		{"the engine's, which is absent", "default", nil, 4, "connecting to Docker engine docker://default: "},
		{"and an address", "", []string{"--builder", "far", "--addr", "unix:///x"}, 2, "--addr and --builder"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			write(t, p.dir, "server.js", "// "+tt.name+"\n")
			r := start(t, p.dir, p.args("solve", append([]string{"--progress", "plain"}, tt.args...)...)...)
			r.Env = append(r.Env, "BUILDKIT_HOST=", "DOCKER_HOST=unix:///nowhere", "BUILDX_CONFIG="+config, "BUILDX_BUILDER="+tt.env)
			res := finish(t, r)
			if res.code != tt.code || !strings.Contains(res.stderr, tt.text) {
				t.Errorf("exit code %d, want %d and %q\n%s", res.code, tt.code, tt.text, res.stderr)
			}
		})
	}
}

// TestOptionsInvalid checks that invalid options are reported before the build.
func TestOptionsInvalid(t *testing.T) {
	t.Parallel()
	p := small(t)
	p.repository = env.registry.Host + "/invalid"
	for _, tt := range []struct {
		name string
		args []string
		text string
	}{
		{"ssh without an agent", []string{"--ssh", "default=/nowhere"}, `invalid --ssh "default=/nowhere": `},
		{"cache without a type", []string{"--cache-from", "ref=x"}, `invalid --cache-from "ref=x": type= is missing`},
		{"cache without a value", []string{"--cache-to", "type=registry,x"}, `invalid --cache-to "type=registry,x"`},
		{"two local caches", []string{"--cache-to", "type=local,dest=a", "--cache-to", "type=local,dest=b"}, "there can be one local cache"},
		{"unknown stage", []string{"--no-cache-filter", "deps,source"}, `invalid --no-cache-filter "source": must be system, tools, deps, build, extra or test`},
		{"unknown attestation", []string{"--attest", "type=vsa"}, `invalid --attest "type=vsa": type= must be sbom or provenance`},
		{"attestation that is none", []string{"--provenance", "max"}, `invalid --provenance "max": must be true, false, mode=min or mode=max`},
		{"star and attestation", []string{"--sbom", "true", "-o", "type=image,name=*"}, "name=* does not work with attestations"},
		{"annotation of no index", []string{"--annotation", "index:a=b"}, "--annotation index:a cannot be set"},
		{"annotation of an unknown level", []string{"--annotation", "layer:a=b"}, `level "layer" must be manifest`},
		{"annotation of another platform", []string{"--annotation", "manifest[linux/s390x]:a=b"}, "linux/s390x is not built"},
		{"annotation of ours", []string{"--annotation", "index:io.rtbuild.x=b", "--platform", both}, "is rtbuild's own"},
		{"shm-size", []string{"--shm-size", "big"}, `invalid --shm-size "big"`},
		{"ulimit", []string{"--ulimit", "files=1"}, `invalid --ulimit "files=1"`},
		{"add-host", []string{"--add-host", "x:y"}, `invalid --add-host "x:y"`},
		{"platform", []string{"--platform", "linux/amd64,,"}, `invalid --platform ""`},
	} {
		t.Run(tt.name, func(t *testing.T) { p.fails(t, 2, tt.text, tt.args...) })
	}
}
