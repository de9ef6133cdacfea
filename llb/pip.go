package llb

import "github.com/moby/buildkit/client/llb"

// pip installs pinned requirements into a virtual environment. No byte code is kept: even checked by hash instead of by time,
// it differs from run to run, and equal requirements are to give equal files. requirements.txt is the first lock file.
func (g *Graph) pip() Layer {
	requirements := g.Runtime.Dependencies.Files[0]
	script := `venv=` + shellQuote(g.venv()) + ` code=` + shellQuote(g.Runtime.Code()) + `
` + pipCache + `export PYTHONDONTWRITEBYTECODE=1
` + g.pipIndex() + `python3 -m venv --clear "$venv"
cd "$code"
"$venv/bin/python" -m pip install --no-compile --no-input -r ` + shellQuote(requirements) + `
find "$venv" -name __pycache__ -prune -exec rm -rf {} +
rm -rf "$HOME/.cache"
`
	user := g.user()
	return g.step("deps", "pip install -r "+requirements, "dependencies", user, script,
		g.cache("/var/cache/pip", llb.CacheMountShared, "pip"),
		secretFile("/etc/pip.conf", SecretPipConf),
		secretFile(user.home+"/.netrc", SecretNetrc),
		agent()).contacting(g.contacts(PyPI, PyPIFiles)...)
}

// pipCache shares pip's downloads, under the two names that they have had, and not the wheels that it builds.
var pipCache = partsOf("/var/cache/pip", "http http-v2") + `export PIP_CACHE_DIR="$cache" PIP_DISABLE_PIP_VERSION_CHECK=1
`

// pipIndex sets pip's index where that has a mirror. Else it is the default, or what the secret pip.conf says.
func (g *Graph) pipIndex() string {
	if index := g.mirrored(PyPI + "/simple"); index != PyPI+"/simple" {
		return "export PIP_INDEX_URL=" + shellQuote(index) + "\n"
	}
	return ""
}

// hasVenv reports whether the dependencies lie in a virtual environment below the prefix.
func (g *Graph) hasVenv() bool {
	switch g.Runtime.Dependencies.Manager {
	case "pip", "poetry", "uv":
		return !g.openhands()
	}
	return false
}

// venv is the virtual environment of a Python runtime.
func (g *Graph) venv() string { return g.Runtime.Prefix + "/venv" }
