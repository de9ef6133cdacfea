package llb

import (
	_ "embed"
	"strings"

	"github.com/moby/buildkit/client/llb"
)

// Yarn installs exactly what yarn.lock says, by the pinned yarn. Scripts of the project and its workspace do not run, as in [NPM].
//
// Yarn 1 and the later versions, which are called berry, are two programs.
type Yarn struct {
	Version     string // as in [Interpreter], of yarn
	Development bool   // install development dependencies, whatever NODE_ENV says
}

func (y Yarn) manager() nodeManager {
	m := nodeManager{name: "yarn", version: y.Version, lock: "yarn.lock", program: "bin/yarn.js", development: y.Development}
	if major, _, _ := strings.Cut(y.Version, "."); major == "1" {
		m.title, m.registry, m.settings = "yarn install --frozen-lockfile", NPMRegistry, []string{"npm_config_registry", "YARN_REGISTRY"}
		m.cache, m.sharing = "yarn", llb.CacheMountLocked // it does not expect that another process writes there
		m.checks = yarnLocked
		m.environ, m.install = "export YARN_IGNORE_PATH=1\n", yarnScript
		return m
	}
	m.title, m.registry, m.settings = "yarn install --immutable", NPMRegistry, []string{"YARN_NPM_REGISTRY_SERVER"}
	m.cache, m.asked = "yarn-berry", "yarn config get npmRegistryServer"
	m.environ, m.before, m.install = berryEnviron, berryBefore, berryScript
	m.secrets = []secret{{"/.yarnrc.yml", SecretYarnRC}}
	return m
}

func (y Yarn) layers(g *Graph) (Layers, error) { return y.manager().layers(g) }
func (y Yarn) forBuild() Installer             { return Yarn{Version: y.Version, Development: true} }
func (y Yarn) path(r *Runtime) []string        { return y.manager().path(r) }
func (y Yarn) dirs(r *Runtime) []string        { return y.manager().dirs(r) }

// yarnLocked is a program that checks what yarn 1 does not check of the lock file of a workspace.
//
//go:embed yarn_locked.js
var yarnLocked []byte

const yarnScript = `node ` + npmPrograms + `/yarn_locked.js
prod=false
if [ "$NODE_ENV" = production ]; then prod=true; fi
yarn install --frozen-lockfile --production="$prod" --cache-folder "$cache" --prefer-offline --non-interactive --no-progress
`

// berryEnviron keeps yarn from running another version that the project names, and from writing outside of node_modules. Where the project
// leaves the linker to yarn, it gets node_modules: for Plug'n'Play, each start of Node.js would need yarn's loader.
const berryEnviron = `export YARN_IGNORE_PATH=1 YARN_ENABLE_TELEMETRY=0 YARN_ENABLE_PROGRESS_BARS=0 YARN_ENABLE_COLORS=0
export YARN_INSTALL_STATE_PATH=/tmp/rtbuild-install-state.gz
`

// berryBefore leaves out lines with a login from a variable: the variable is not set here, and they would take precedence over those of the
// secret. Any other variable may be empty.
const berryBefore = `cp -Rp . /tmp/project
if [ -e .yarnrc.yml ]; then
  sed -i -e '/npmAuth\(Token\|Ident\).*\${/d' -e 's/\${\([A-Za-z0-9_]*\)}/${\1-}/g' .yarnrc.yml
fi
`

// berryScript puts the project's files back as they were, because yarn rewrites them in its own form. "workspaces focus" installs what is
// missing in the lock file, so the file is checked before, without an installation. yarn 3 has this command only as a plugin. Without it, the
// manifests lose their development dependencies meanwhile.
const berryScript = `export YARN_ENABLE_GLOBAL_CACHE=0 YARN_ENABLE_MIRROR=0 YARN_CACHE_FOLDER="$cache" YARN_ENABLE_IMMUTABLE_INSTALLS=0
for name in HTTP HTTPS; do
  lower=$(echo $name | tr HTPS htps)
  eval proxy="\${${name}_PROXY:-\${${lower}_proxy:-}}"
  if [ -n "$proxy" ]; then export YARN_${name}_PROXY="$proxy"; fi
done
case "${registry:-}" in http:*) export YARN_UNSAFE_HTTP_WHITELIST='*' ;; esac
if [ "$(yarn config get nodeLinker)" = pnp ]; then export YARN_NODE_LINKER=node-modules; fi
if [ "$NODE_ENV" = production ]; then
  cp yarn.lock /tmp/locked
  yarn install --mode=update-lockfile
  if ! diff /tmp/locked yarn.lock >&2; then
    echo "yarn.lock does not agree with package.json (YN0028): run yarn install, and commit yarn.lock." >&2
    exit 1
  fi
  if yarn workspaces focus --help >/dev/null 2>&1; then
    yarn workspaces focus --all --production
  else
    yarn workspaces list --json > /tmp/workspaces
    node -e 'const fs = require("fs");
for (const line of fs.readFileSync("/tmp/workspaces", "utf8").trim().split("\n")) {
  const file = JSON.parse(line).location + "/package.json";
  const { devDependencies, ...rest } = JSON.parse(fs.readFileSync(file, "utf8").replace(/^\uFEFF/, ""));
  fs.writeFileSync(file, JSON.stringify(rest));
}'
    yarn install
  fi
else
  yarn install --immutable
fi
cp -Rp /tmp/project/. .
`
