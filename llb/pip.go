package llb

import "github.com/moby/buildkit/client/llb"

// pip installs pinned requirements into a virtual environment. No byte code is kept: even checked by hash instead of by time,
// it differs from run to run, and equal requirements are to give equal files. requirements.txt is the first lock file.
func (g *Graph) pip() Layer {
	script := `venv=` + g.venv() + ` code=` + g.Runtime.Code() + `
export PIP_CACHE_DIR="/var/cache/pip/$(id -u)" PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1
python3 -m venv --clear "$venv"
cd "$code"
"$venv/bin/python" -m pip install --no-compile --no-input -r ` + g.Runtime.Dependencies.Files[0] + `
find "$venv" -name __pycache__ -prune -exec rm -rf {} +
rm -rf "$HOME/.cache"
`
	user := g.user()
	return g.step("deps", "pip install -r "+g.Runtime.Dependencies.Files[0], "dependencies", user, script,
		g.cache("/var/cache/pip", llb.CacheMountShared, "pip"),
		secretFile("/etc/pip.conf", SecretPipConf),
		secretFile(user.home+"/.netrc", SecretNetrc),
		agent())
}

// venv is the virtual environment of a Python runtime.
func (g *Graph) venv() string { return g.Runtime.Prefix + "/venv" }
