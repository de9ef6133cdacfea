package llb

import "github.com/moby/buildkit/client/llb"

// npm installs what package-lock.json says, exactly. Its cache is shared by user id: it refuses what others have written. Development dependencies come only if env sets NODE_ENV to
// something else than production, as npm itself has it.
func (g *Graph) npm() Layer {
	const script = `export NODE_ENV="${NODE_ENV:-production}"
npm ci --cache "/var/cache/npm/$(id -u)" --prefer-offline --logs-max=0 --no-audit --no-fund --no-update-notifier
rm -rf "$HOME/.npm" "$HOME/.cache" "$HOME/.node-gyp"
`
	user := g.user()
	return g.step("deps", "npm ci", "dependencies", user, "cd "+g.Runtime.Code()+"\n"+script,
		g.cache("/var/cache/npm", llb.CacheMountShared, "npm"),
		secretFile(user.home+"/.npmrc", SecretNPMRC),
		secretFile(user.home+"/.netrc", SecretNetrc),
		agent())
}
