package llb

// Bun installs exactly what bun.lock says, by the pinned bun, which does not become part of the image. As the project says in
// trustedDependencies, install scripts of dependencies run. Scripts of the project and its workspace do not run, as in [NPM].
type Bun struct {
	Version     string // as in [Interpreter], of bun
	Development bool   // install development dependencies, whatever NODE_ENV says
}

func (b Bun) manager() nodeManager {
	return nodeManager{
		name: "bun", version: b.Version, title: "bun install --frozen-lockfile", lock: "bun.lock",
		program: "bin/bun", native: true, registry: npmDefault, settings: []string{"npm_config_registry", "BUN_CONFIG_REGISTRY"},
		cache: "bun", install: bunScript, development: b.Development,
	}
}

func (b Bun) layers(g *Graph) (Layers, error) { return b.manager().layers(g) }
func (b Bun) forBuild() Installer             { return Bun{Version: b.Version, Development: true} }
func (b Bun) path(r *Runtime) []string        { return b.manager().path(r) }
func (b Bun) dirs(r *Runtime) []string        { return b.manager().dirs(r) }

// bunScript makes bun copy files out of its cache, because the cache is not in the image.
const bunScript = `set -- --frozen-lockfile --no-progress --backend=copyfile --cache-dir "$cache" ${NODE_EXTRA_CA_CERTS:+--cafile "$NODE_EXTRA_CA_CERTS"}
if [ "$NODE_ENV" = production ]; then set -- "$@" --production; fi
bun install "$@"
`
