package llb

import "github.com/moby/buildkit/client/llb"

// Pip installs pinned requirements into a virtual environment. No byte code is kept: even checked by hash instead of by time,
// it differs from run to run, and equal requirements are to give equal files.
type Pip struct {
	inVenv
	Requirements string // the file, relative to the code directory
}

func (p Pip) layers(g *Graph) (Layers, error) {
	script := `venv=` + shellQuote(g.Runtime.venv()) + ` code=` + shellQuote(g.Runtime.Code()) + `
` + pipCache + `export PYTHONDONTWRITEBYTECODE=1
` + g.pipIndex() + `python3 -m venv --clear "$venv"
cd "$code"
"$venv/bin/python" -m pip install --no-compile --no-input -r ` + shellQuote(p.Requirements) + `
find "$venv" -name __pycache__ -prune -exec rm -rf {} +
rm -rf "$HOME/.cache"
`
	user := g.user()
	layer := g.step(StageDeps, "pip install -r "+p.Requirements, "dependencies", user, script,
		g.cache("/var/cache/pip", llb.CacheMountShared, "pip"),
		secretFile("/etc/pip.conf", SecretPipConf),
		secretFile(user.home+"/.netrc", SecretNetrc),
		agent())
	return Layers{layer.fetching(g.endpoints(PyPI, PyPIFiles)...)}, nil
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

// inVenv is what installers into a virtual environment below the prefix have in common.
type inVenv struct{}

func (inVenv) path(r *Runtime) []string { return []string{r.venv() + "/bin", r.bin()} }
func (inVenv) dirs(r *Runtime) []string { return []string{r.venv()} }

// venv is the virtual environment of a Python runtime.
func (r *Runtime) venv() string { return r.Prefix + "/venv" }
