package llb

import (
	"fmt"
	"maps"
	"slices"

	"github.com/moby/buildkit/client/llb"
)

// Pip installs pinned requirements into a virtual environment. It keeps no byte code: even if checked by hash instead of by time, byte code
// differs from run to run, and equal requirements must give equal files.
type Pip struct {
	inVenv
	Requirements string           // the file, relative to the code directory
	LeftOut      map[string][]int // lines that name projects of the source, from 1, by requirements file
	Conditional  []string         // "FILE:LINE: REQUIREMENT" of those whose markers must not hold, because they are not pinned
}

func (p Pip) layers(g *Graph) (Layers, error) {
	script := `venv=` + shellQuote(g.Runtime.venv()) + ` code=` + shellQuote(g.Runtime.Code()) + `
` + pipCache + `export PYTHONDONTWRITEBYTECODE=1
` + g.pipIndex() + `python3 -m venv --clear "$venv"
cd "$code"
` + p.leaveOut() + p.checkMarkers() + `"$venv/bin/python" -m pip install --no-compile --no-input -r ` + shellQuote(p.Requirements) + `
find "$venv" -name __pycache__ -prune -exec rm -rf {} +
rm -rf "$HOME/.cache"
`
	user := g.user()
	layer := g.installOnce("pip install -r "+p.Requirements, g.Runtime.venv(), script, func(layerInput) []llb.RunOption {
		return []llb.RunOption{
			g.cache("/var/cache/pip", llb.CacheMountShared, "pip"),
			secretFile("/etc/pip.conf", SecretPipConf),
			secretFile(user.home+"/.netrc", SecretNetrc),
			agent(),
		}
	})
	return Layers{layer.withEndpoints(g.endpoints(PyPI, PyPIFiles)...)}, nil
}

// checkMarkers fails if a requirement that is not pinned would be installed. pip has the code that reads markers, and reports invalid ones.
func (p Pip) checkMarkers() string {
	if len(p.Conditional) == 0 {
		return ""
	}
	return `"$venv/bin/python" -c ` + shellQuote(markersProgram) + " " + shellWords(p.Conditional) + "\n"
}

const markersProgram = `import platform, sys
from pip._vendor.packaging.markers import InvalidMarker, Marker
def holds(requirement):
    try:
        return Marker(requirement.partition(";")[2].strip()).evaluate({"extra": ""})
    except InvalidMarker:
        return False
loose = [requirement for requirement in sys.argv[1:] if holds(requirement)]
for requirement in loose:
    print(f"error: {requirement} is not pinned, and holds for Python {platform.python_version()}: pin it with ==", file=sys.stderr)
sys.exit(bool(loose))`

// leaveOut changes to a copy of the requirements files without the lines that are left out.
func (p Pip) leaveOut() string {
	if len(p.LeftOut) == 0 {
		return ""
	}
	script := "cp -R . /tmp/project\ncd /tmp/project\n"
	for _, file := range slices.Sorted(maps.Keys(p.LeftOut)) {
		script += "sed -i"
		for _, line := range p.LeftOut[file] {
			script += fmt.Sprintf(" -e %dd", line)
		}
		script += " -- " + shellQuote(file) + "\n"
	}
	return script
}

// pipCache shares pip's downloads, under their old and new directory names, but not the wheels that it builds.
var pipCache = sharedParts("/var/cache/pip", "http http-v2") + `export PIP_CACHE_DIR="$cache" PIP_DISABLE_PIP_VERSION_CHECK=1
`

// pipIndex sets pip's index if PyPI has a mirror. Otherwise pip uses its default or the secret pip.conf.
func (g *Graph) pipIndex() string {
	if index := g.mirrored(PyPI + "/simple"); index != PyPI+"/simple" {
		return "export PIP_INDEX_URL=" + shellQuote(index) + "\n"
	}
	return ""
}

// inVenv holds what installers into a virtual environment below the prefix have in common.
type inVenv struct{}

func (inVenv) path(r *Runtime) []string { return []string{r.venv() + "/bin", r.bin()} }
func (inVenv) dirs(r *Runtime) []string { return []string{r.venv()} }

// venv returns the directory of a Python runtime's virtual environment.
func (r *Runtime) venv() string { return r.Prefix + "/venv" }

func (p Pip) forBuild() Installer { return p }
