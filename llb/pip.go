package llb

import "github.com/moby/buildkit/client/llb"

// pip installs pinned requirements into a virtual environment. Byte code is checked by the hash of its source instead of
// by a time stamp, so that equal requirements give equal files. requirements.txt is the first lock file.
func (g *Graph) pip() Layer {
	script := `venv=` + g.venv() + ` code=` + g.Runtime.Code() + `
export PIP_CACHE_DIR=/var/cache/pip PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1
python3 -m venv --clear "$venv"
cd "$code"
"$venv/bin/python" -m pip install --no-compile --no-input -r ` + g.Runtime.Dependencies.Files[0] + `
unset PYTHONDONTWRITEBYTECODE
find "$venv" -name __pycache__ -prune -exec rm -rf {} +
"$venv/bin/python" -m compileall -q -j 0 --invalidation-mode checked-hash "$venv/lib" || true # some packages ship files for other versions
rm -rf "$HOME/.cache"
`
	user := g.user()
	return g.step("deps", "pip install -r "+g.Runtime.Dependencies.Files[0], user, script,
		cache("/var/cache/pip", llb.CacheMountShared, "pip"),
		secretFile("/etc/pip.conf", SecretPipConf),
		secretFile(user.home+"/.netrc", SecretNetrc))
}

// venv is the virtual environment of a Python runtime.
func (g *Graph) venv() string { return g.Runtime.Prefix + "/venv" }
