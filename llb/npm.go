package llb

import "github.com/moby/buildkit/client/llb"

// NPM installs what package-lock.json says, exactly. Its cache is shared by user id: it refuses what others have written.
// Development dependencies come only if env sets NODE_ENV to something else than production, as npm itself has it.
type NPM struct{}

func (NPM) layers(g *Graph) (Layers, error) {
	const install = `npm ci --cache "/var/cache/npm/$(id -u)" --prefer-offline --logs-max=0 --no-audit --no-fund --no-update-notifier
`
	script := "cd " + shellQuote(g.Runtime.Code()) + "\nexport NODE_ENV=\"${NODE_ENV:-production}\"\n" + g.npmMirrors(install) +
		"rm -rf \"$HOME/.npm\" \"$HOME/.cache\" \"$HOME/.node-gyp\"\n"
	user := g.user()
	layer := g.step(StageDeps, "npm ci", "dependencies", user, script,
		g.cache("/var/cache/npm", llb.CacheMountShared, "npm"),
		secretFile(user.home+"/.npmrc", SecretNPMRC),
		secretFile(user.home+"/.netrc", SecretNetrc),
		agent())
	return Layers{layer.fetching(g.endpoints(npmRegistry)...)}, nil
}

func (NPM) path(r *Runtime) []string { return []string{r.bin(), r.Code() + "/node_modules/.bin"} }
func (NPM) dirs(*Runtime) []string   { return nil }

// npmMirrors has npm install from mirrors: of the registry that it is set to, and of the addresses that package-lock.json names,
// which is as before afterwards.
func (g *Graph) npmMirrors(install string) string {
	edits := g.mirrorScript(everywhere...)
	if edits == "" {
		return install
	}
	return writeFile("/tmp/mirrors", edits) + `export npm_config_registry="$(npm config get registry | sed -f /tmp/mirrors)"
cp -p package-lock.json /tmp/package-lock.json
sed -f /tmp/mirrors /tmp/package-lock.json > package-lock.json
` + install + "cp -p /tmp/package-lock.json package-lock.json\n"
}

// everywhere is what every address begins with: a lock file may name any.
var everywhere = []string{"http://", "https://"}

// npmRegistry is the npm registry, under the name that yarn gives it.
const npmRegistry = "https://registry.yarnpkg.com"
