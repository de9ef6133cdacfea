package llb

import "github.com/moby/buildkit/client/llb"

// NPM installs exactly what package-lock.json says. Each user id has its own part of the cache, because npm refuses files that another user
// wrote. As in npm itself, development dependencies are installed only if NODE_ENV is set to something other than production.
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
	return Layers{layer.withEndpoints(g.endpoints(npmRegistry)...)}, nil
}

func (NPM) path(r *Runtime) []string { return []string{r.bin(), r.Code() + "/node_modules/.bin"} }
func (NPM) dirs(*Runtime) []string   { return nil }

// npmMirrors makes an npm command use the mirrors of its registry and of the URLs in package-lock.json. It restores package-lock.json
// afterwards.
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

// everywhere matches every URL: a lock file may name any host.
var everywhere = []string{"http://", "https://"}

// npmRegistry is the npm registry, under the name that yarn uses.
const npmRegistry = "https://registry.yarnpkg.com"
