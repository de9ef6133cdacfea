package llb

import (
	_ "embed"
	"fmt"

	"github.com/moby/buildkit/client/llb"
)

// NPM installs exactly what the lock file says. Each user id has its own part of the cache, because npm refuses files that another user
// wrote. As in npm itself, development dependencies are installed only if NODE_ENV is set to something other than production, or if
// Development is set.
//
// The dependencies' install scripts run. Those of the project and its workspaces do not, because their source is not there.
type NPM struct {
	Development  bool
	PatchPackage bool // run the project's patch-package afterwards; the lock files hold the patches
}

func (n NPM) layers(g *Graph) (Layers, error) {
	layer := func(name string, output int) Layer {
		return Layer{Stage: StageDeps, Name: name, Field: "dependencies", batch: "npm", upper: func(at layerInput) llb.State {
			return at.once("npm ci", func() []llb.State { return n.install(g, at) })[output]
		}}
	}
	layers := Layers{g.withHeaders(layer("npm ci: links and lists", 0)).withEndpoints(g.endpoints(npmRegistry)...)}
	for part := range npmSmall {
		layers = append(layers, layer(fmt.Sprintf("npm ci: packages, part %d of %d", part+1, npmSmall), 1+part))
	}
	for part := range npmLarge {
		layers = append(layers, layer(fmt.Sprintf("npm ci: large packages, part %d of %d", part+1, npmLarge), 1+npmSmall+part))
	}
	return layers, nil
}

// The numbers of layers for the packages in node_modules. A package's name and size decide its layer, so that a changed lock file changes
// few layers.
const (
	npmSmall = 6
	npmLarge = 2
)

// nodeParts is a program that distributes the packages in node_modules.
//
//go:embed node_parts.js
var nodeParts []byte

// npmScripts is a program that takes the project's own install scripts out of its manifests, and puts them back.
//
//go:embed npm_scripts.js
var npmScripts []byte

const (
	npmPrograms = "/run/rtbuild-programs"
	npmParts    = "/run/rtbuild-parts"
)

// install returns the layers of one npm ci: what it leaves in the code directory, and the parts of node_modules.
func (n NPM) install(g *Graph, at layerInput) []llb.State {
	const name, ci = "npm ci", `npm ci --cache "/var/cache/npm/$(id -u)" --prefer-offline --logs-max=0 --no-audit --no-fund --no-update-notifier
`
	code, user := g.Runtime.Code(), g.user()
	script := "cd " + shellQuote(code) + "\n" + n.environment() + withoutOwnScripts(g.npmMirrors(ci)) + n.patch() +
		fmt.Sprintf("node %s/node_parts.js %s %d\n", npmPrograms, npmParts, npmLarge)
	programs := llb.Mkfile("/node_parts.js", 0o644, nodeParts).Mkfile("/npm_scripts.js", 0o644, npmScripts)
	program := llb.Scratch().File(programs, llb.WithCustomName("[internal] programs for node_modules"))
	run := g.run(g.installerRoot(at), command{at.stage, name, script, user}, []llb.ConstraintsOpt{named(at.stage, name), g.location("dependencies")},
		append(g.headersMount(), llb.AddMount(npmPrograms, program, llb.Readonly),
			g.cache("/var/cache/npm", llb.CacheMountShared, "npm"),
			secretFile(user.home+"/.npmrc", SecretNPMRC),
			secretFile(user.home+"/.netrc", SecretNetrc),
			agent())...)
	project := g.copiedLockFiles()
	outputs := []llb.State{llb.Diff(project, run.AddMount(code, project, llb.SourcePath(code)), append(g.uncached(at.stage), named(at.stage, "take what npm leaves"))...)}
	for part := range npmSmall + npmLarge {
		empty := g.numberedDir(code, part)
		full := run.AddMount(fmt.Sprintf("%s/%d", npmParts, part), empty, llb.SourcePath(code))
		outputs = append(outputs, llb.Diff(empty, full, append(g.uncached(at.stage), llb.WithCustomName(fmt.Sprintf("[internal] take part %d", part)))...))
	}
	return outputs
}

func (NPM) path(r *Runtime) []string { return []string{r.bin(), r.Code() + "/node_modules/.bin"} }
func (NPM) dirs(*Runtime) []string   { return nil }
func (n NPM) forBuild() Installer    { return NPM{Development: true, PatchPackage: n.PatchPackage} }

// environment sets where node-gyp finds headers, and NODE_ENV, by which npm and install scripts know what the installation is for.
func (n NPM) environment() string {
	if n.Development {
		return nodeGyp + "export NODE_ENV=development\n"
	}
	return nodeGyp + "export NODE_ENV=\"${NODE_ENV:-production}\"\n"
}

// withoutOwnScripts makes an npm command run the install scripts of dependencies alone.
func withoutOwnScripts(install string) string {
	const program = "node " + npmPrograms + "/npm_scripts.js "
	return program + "hide /tmp/manifests\n" + install + program + "restore /tmp/manifests\n"
}

// patch applies the project's patches. Without the option, patch-package fails only if it finds itself in CI.
func (n NPM) patch() string {
	if !n.PatchPackage {
		return ""
	}
	return "node_modules/.bin/patch-package --error-on-fail\n"
}

// npmMirrors makes an npm command use the mirrors of its registry and of the URLs in the lock file. It restores the lock
// file afterwards.
func (g *Graph) npmMirrors(install string) string {
	edits := g.mirrorScript(everywhere...)
	if edits == "" {
		return install
	}
	return writeFile("/tmp/mirrors", edits) + `export npm_config_registry="$(npm config get registry | sed -f /tmp/mirrors)"
lock=npm-shrinkwrap.json
[ -e $lock ] || lock=package-lock.json
cp -p $lock /tmp/$lock
sed -f /tmp/mirrors /tmp/$lock > $lock
` + install + "cp -p /tmp/$lock $lock\n"
}

// everywhere matches every URL: a lock file may name any host.
var everywhere = []string{"http://", "https://"}

// npmRegistry is the npm registry, under the name that yarn uses.
const npmRegistry = "https://registry.yarnpkg.com"
