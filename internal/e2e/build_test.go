package e2e

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rtbuild/rtbuild/internal/testenv"
	"github.com/rtbuild/rtbuild/internal/testenv/filetree"
)

const typescript59 = "sha512-jl1vZzPDinLr9eUt3J/t7V6FgNEw9QjvBPdysz9KfQDD41fQrC2Y4vKQdiaUpFT4bXlb1RHhLpp8wtm6M5TgSw=="

// compiled is a project in TypeScript. Its compiler is a development dependency, and its start script runs what the compiler makes.
func compiled(t *testing.T) *project {
	t.Helper()
	p := small(t)
	write(t, p.dir, "package.json", `{"name":"small","version":"1.0.0","scripts":{"build":"tsc","start":"node dist/server.js"},
"dependencies":{"is-number":"7.0.0"},"devDependencies":{"typescript":"5.9.3"}}`)
	write(t, p.dir, "package-lock.json", `{"name":"small","version":"1.0.0","lockfileVersion":3,"requires":true,"packages":{
"":{"name":"small","version":"1.0.0","dependencies":{"is-number":"7.0.0"},"devDependencies":{"typescript":"5.9.3"}},
"node_modules/is-number":{"version":"7.0.0","integrity":"`+isNumber7+`","license":"MIT","engines":{"node":">=0.12.0"}},
"node_modules/typescript":{"version":"5.9.3","integrity":"`+typescript59+`","dev":true,"bin":{"tsc":"bin/tsc","tsserver":"bin/tsserver"}}}}
`)
	write(t, p.dir, "tsconfig.json", `{"compilerOptions":{"outDir":"dist","module":"commonjs","target":"es2022","types":[],"incremental":true}}`)
	write(t, p.dir, "server.ts", "declare function require(name: string): any\nconst text: string = 'a number: ' + require('is-number')(1)\nconsole.log(text)\n")
	write(t, p.dir, ".dockerignore", "dist\n")
	write(t, p.dir, "dist/stale.js", "")
	write(t, p.dir, "runtime.yaml", "env: {NODE_ENV: production, LOG_LEVEL: info}\n")
	return p
}

// prints starts an image and returns what it prints.
func (p *project) prints(t *testing.T, ref string) string {
	t.Helper()
	run := exec.CommandContext(t.Context(), "../../hack/run-image", ref, filepath.Join(t.TempDir(), "container"))
	out, err := run.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

// TestBuildCommand compiles a project: what the compiler makes is in the image, and the compiler is not. A source edit on another builder
// installs nothing, and the images are the same on both. A change of env builds no dependencies; the command sees build arguments, not env.
func TestBuildCommand(t *testing.T) {
	t.Parallel()
	p := compiled(t)
	p.solve(t)
	made := p.plan(t)
	if made.Variant != "none" || made.Exists["build"] != "fresh" || made.Images.Build != made.Images.Lock+"_build" {
		t.Errorf("the plan is %+v", made)
	}
	files, build := tree(t, made.Images.Source), tree(t, made.Images.Build)
	const code = "/agent/code/"
	for name, want := range map[string]bool{
		"dist/server.js": true, "server.ts": true, "node_modules/is-number/package.json": true, "dist/stale.js": false, "dist/tsconfig.tsbuildinfo": false,
		"node_modules/typescript/package.json": false,
	} {
		if _, found := files[code+name]; found != want {
			t.Errorf("%s: found: %t", name, found)
		}
	}
	if _, found := build[code+"node_modules/typescript/package.json"]; !found {
		t.Error("the compiler is not in the build image")
	}
	if got := p.prints(t, made.Images.Source); !strings.Contains(got, "a number: true") {
		t.Errorf("the image prints %q", got)
	}

	write(t, p.dir, "server.ts", "console.log('edited')\n")
	fresh := freshBuilder(t, testenv.BuilderOptions{})
	edited := p.solve(t, "--addr", fresh.Addr)
	if strings.Contains(edited.stderr, "npm ci") || !strings.HasPrefix(edited.stderr, "lock: ") {
		t.Errorf("after an edit:\n%s", edited.stderr)
	}
	other := &project{dir: p.dir, repository: p.repository + "-again", base: p.base}
	other.solve(t, "--addr", fresh.Addr)
	if one, two := image(t, p.plan(t).Images.Source).Config.RootFS.DiffIDs, image(t, other.plan(t).Images.Source).Config.RootFS.DiffIDs; one[len(one)-1] != two[len(two)-1] {
		t.Errorf("the layer of the source is %s, and %s on another builder", one[len(one)-1], two[len(two)-1])
	}
	sameDeps(t, p.plan(t).Images.Build, other.plan(t).Images.Build)

	deps := image(t, p.plan(t).Images.Lock)
	write(t, p.dir, "server.ts", "declare const process: any, require: any\nconsole.log(process.env.LOG_LEVEL, require('./commit.json'))\n")
	write(t, p.dir, "runtime.yaml", "env: {NODE_ENV: production, LOG_LEVEL: debug}\nargs: [COMMIT]\nbuild: tsc && echo \"\\\"$COMMIT$LOG_LEVEL\\\"\" > dist/commit.json\n")
	if again := p.solve(t, "--addr", fresh.Addr, "--build-arg", "COMMIT=abc"); strings.Contains(again.stderr, "npm ci") || strings.Contains(again.stderr, "WARNING") {
		t.Errorf("after a change of env:\n%s", again.stderr)
	}
	if now := image(t, p.plan(t).Images.Lock); now.Digest != deps.Digest || slices.ContainsFunc(now.Config.Config.Env, func(kv string) bool { return strings.HasPrefix(kv, "LOG_LEVEL") }) {
		t.Errorf("the deps image was %s, is %s, and has %q", deps.Digest, now.Digest, now.Config.Config.Env)
	}
	if got := p.prints(t, p.plan(t).Images.Source); !strings.Contains(got, "debug abc\n") {
		t.Errorf("the image prints %q", got)
	}
}

// TestBuildCommandFails says what is wrong with a build command, before anything is published under the source tag.
func TestBuildCommandFails(t *testing.T) {
	t.Parallel()
	p := compiled(t)
	p.solve(t)
	for _, tt := range []struct {
		name, build, want string
	}{
		{"it fails", "npx tsc --noEmit --strict nothing.ts", "nothing.ts"},
		{"it makes nothing", "/bin/true", "made no files"},
		{"it makes other things", "{run: touch other, outputs: [dist, lib]}", "made no dist, lib"},
		{"it leaves a process", "sleep 999 & touch made; exit 3", "failed: exit code 3"},
		{"it writes elsewhere", "touch /tmp/other", "made no files"},
		{"it needs the network", "node -e 'fetch(\"http://" + env.registry.Host + "/v2/\").catch(e => { console.log(String(e.cause)); process.exit(1) })'", "failed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			write(t, p.dir, "runtime.yaml", "build: "+tt.build+"\n")
			res := p.fails(t, 1, tt.want)
			if strings.Contains(tt.name, "network") && !strings.Contains(res.stderr, "| The command ran without network. If it needs the network") {
				t.Errorf("nothing is said about the network:\n%s", res.stderr)
			}
			if exists := p.plan(t).Exists; exists["source"] != "absent" || exists["build"] != "fresh" {
				t.Errorf("afterwards: %v", exists)
			}
		})
	}
}

// TestFrontendBuildCommand gives the same image without the client, with a build image in the registry and without.
func TestFrontendBuildCommand(t *testing.T) {
	t.Parallel()
	p := compiled(t)
	write(t, p.dir, "runtime.yaml", "# syntax="+frontendRef(t)+"\nbase: "+env.base+"\n")
	ours, theirs := p.repository, p.repository+"-frontend"
	p.solves(t, "scratch", ours)
	p.publishes(t, "scratch", theirs, "--target", "deps")
	p.publishes(t, "lock", theirs)
	sameDigest(t, "with a build image of this build", p.names(t, ours).Images.Source, p.names(t, theirs).Images.Source)
	p.buildx(t, "-o", computed, "--build-arg", "REPOSITORY="+theirs, "--target", "build")
	write(t, p.dir, "server.ts", "console.log('edited')\n")
	p.solves(t, "lock", ours)
	p.publishes(t, "lock", theirs)
	names := []string{p.names(t, ours).Images.Source, p.names(t, theirs).Images.Source}
	sameDigest(t, "with a build image of the registry", names[0], names[1])
	if got := p.prints(t, names[1]); !slices.Contains(strings.Fields(got), "edited") {
		t.Errorf("the image prints %q", got)
	}
}

// TestInit takes over the Dockerfile of a project that is compiled. The image of the new runtime file starts.
func TestInit(t *testing.T) {
	t.Parallel()
	p := compiled(t)
	write(t, p.dir, "Dockerfile", "FROM "+env.base+" AS build\nWORKDIR /app\nCOPY . .\nRUN npm ci && npm run build\n"+
		"FROM "+env.base+"\nWORKDIR /app\nCOPY --from=build /app .\nENV NODE_ENV=production LOG_LEVEL=info\nCMD [\"npm\", \"start\"]\n")
	if res := succeed(t, p.dir, "init", "--force", "--from", "Dockerfile"); res.stdout != "runtime.yaml\n" || res.stderr != "" {
		t.Errorf("init prints %q and %q", res.stdout, res.stderr)
	}
	succeed(t, p.dir, "solve", "--repository", p.repository, "--progress", "plain")
	made := decode[planned](t, succeed(t, p.dir, "plan", "--format", "json", "--repository", p.repository).stdout)
	if got := p.prints(t, made.Images.Source); made.Variant != "none" || !strings.Contains(got, "a number: true") {
		t.Errorf("the variant is %s, and the image prints %q", made.Variant, got)
	}
}

// TestWorkspaceMember builds a project below the lock file of its workspace. It is named by its own directory, starts there, and finds its
// neighbour.
func TestWorkspaceMember(t *testing.T) {
	t.Parallel()
	p := small(t)
	const root, agent, shared = `"workspaces":["packages/*"]`, `"name":"agent","version":"2.0.0","dependencies":{"shared":"1.0.0"}`, `"name":"shared","version":"1.0.0"`
	write(t, p.dir, "package.json", `{"name":"x",`+root+`}`)
	write(t, p.dir, "package-lock.json", `{"name":"x","lockfileVersion":3,"requires":true,"packages":{"":{"name":"x",`+root+`},
"node_modules/agent":{"resolved":"packages/agent","link":true},"node_modules/shared":{"resolved":"packages/shared","link":true},
"packages/agent":{`+agent+`},"packages/shared":{`+shared+`}}}`)
	write(t, p.dir, "packages/agent/package.json", `{`+agent+`,"scripts":{"start":"node main.js","build":"node build.js"}}`)
	write(t, p.dir, "packages/agent/build.js", "require('fs').writeFileSync('made.js', '')\n")
	write(t, p.dir, "packages/agent/main.js", "console.log(require('shared'), process.cwd())\n")
	write(t, p.dir, "packages/agent/runtime.yaml", "directory: packages/agent\nbuild: {outputs: [packages/agent/made.js]}\n")
	write(t, p.dir, "packages/shared/package.json", `{`+shared+`}`)
	write(t, p.dir, "packages/shared/index.js", "module.exports = 'a neighbour'\n")
	filetree.Track(t, p.dir, "packages/agent/package.json")
	member := filepath.Join(p.dir, "packages", "agent")
	p.solve(t, member)
	made := decode[planned](t, succeed(t, p.dir, p.args("tags", "--format", "json", member)...).stdout)
	if _, found := tree(t, made.Images.Source)["/agent/code/packages/agent/made.js"]; !found {
		t.Error("the build of the member did not run in its directory")
	}
	if got := p.prints(t, made.Images.Source); !strings.Contains(got, "a neighbour /agent/code/packages/agent") {
		t.Errorf("the image prints %q", got)
	}
}
