package llb

import "strings"

// PNPM installs exactly what pnpm-lock.yaml says, by the pinned pnpm. As the project says, install scripts of dependencies run, and
// node_modules is laid out. Scripts of the project and its workspace do not run, as in [NPM].
type PNPM struct {
	Version     string // as in [Interpreter], of pnpm
	Development bool   // install development dependencies, whatever NODE_ENV says
}

func (p PNPM) manager() nodeManager {
	m := nodeManager{
		name: "pnpm", version: p.Version, title: "pnpm install --frozen-lockfile", lock: "pnpm-lock.yaml",
		program: "bin/pnpm.?js", registry: npmDefault, settings: []string{"npm_config_registry", "pnpm_config_registry"},
		cache: "pnpm", environ: pnpmEnviron, install: pnpmScript, development: p.Development,
	}
	if major, _, _ := strings.Cut(p.Version, "."); len(major) > 1 && major >= "12" {
		m.program, m.native = "pnpm", true
	}
	return m
}

func (p PNPM) layers(g *Graph) (Layers, error) { return p.manager().layers(g) }
func (p PNPM) forBuild() Installer             { return PNPM{Version: p.Version, Development: true} }
func (p PNPM) path(r *Runtime) []string        { return p.manager().path(r) }
func (p PNPM) dirs(r *Runtime) []string        { return p.manager().dirs(r) }

// pnpmEnviron keeps pnpm from replacing itself by the version that package.json names, and from installing before it runs a script. pnpm 11
// reads variables under another name.
const pnpmEnviron = `for tool in npm pnpm; do
  export ${tool}_config_manage_package_manager_versions=false ${tool}_config_package_manager_strict=false ${tool}_config_pm_on_fail=ignore
  export ${tool}_config_verify_deps_before_run=false
done
`

// pnpmScript makes pnpm copy files out of its store, because the store is not in the image. It keeps nothing that was built in the store.
const pnpmScript = `for tool in npm pnpm; do
  export ${tool}_config_store_dir="$cache/store" ${tool}_config_cache_dir="$cache/cache" ${tool}_config_update_notifier=false
  export ${tool}_config_package_import_method=copy ${tool}_config_side_effects_cache=false
done
prod=false
if [ "$NODE_ENV" = production ]; then prod=true; fi
CI=1 pnpm install --frozen-lockfile --prod="$prod" --reporter=append-only
`
