package llb

import (
	_ "embed"
	"encoding/json"

	"github.com/moby/buildkit/client/llb"
)

// pdmProgram is a program that writes what a pdm.lock says as requirements.
//
//go:embed python_pdm.py
var pdmProgram []byte

// PDM installs what pdm.lock says into a virtual environment, without the projects of the source. uv installs it, with the hashes of the lock
// file. The lock file says which groups a package is for, so PDM is not needed.
type PDM struct {
	inVenv
	Groups []string // of the lock file; the project's own dependencies are "default"
}

func (p PDM) layers(g *Graph) (Layers, error) {
	program := llb.Scratch().File(llb.Mkfile("/python_pdm.py", 0o644, pdmProgram), llb.WithCustomName("[internal] program for pdm.lock"))
	opts := []llb.RunOption{llb.AddMount(programsDir, program, llb.Readonly)}
	if len(g.Runtime.Mirrors) > 0 {
		mirrors, err := json.Marshal(g.Runtime.Mirrors)
		if err != nil {
			panic(err) // a map of strings always marshals
		}
		opts = append(opts, llb.AddEnv("RTBUILD_MIRRORS", string(mirrors)))
	}
	script := "unset UV_DEFAULT_INDEX # it would win over the project's own\npython3 -I " + programsDir + "/python_pdm.py pdm.lock pyproject.toml " +
		shellQuote(g.mirrored(PyPI+"/simple")) + " /tmp/requirements " + shellWords(p.Groups) + `
if [ -e /tmp/requirements/hashed.txt ]; then install --index-strategy unsafe-best-match --require-hashes -r /tmp/requirements/hashed.txt; fi
if [ -e /tmp/requirements/unhashed.txt ]; then install -r /tmp/requirements/unhashed.txt; fi
`
	return g.uvRequirements("install pdm.lock", script, opts...)
}

func (p PDM) forBuild() Installer { return p }

// Pylock installs what a pylock.toml says (PyPA's "pylock.toml Specification") into a virtual environment, without packages that are
// directories: projects of the source.
type Pylock struct{ inVenv }

func (Pylock) layers(g *Graph) (Layers, error) {
	script := "cp -R . /tmp/project\ncd /tmp/project\nawk " + shellQuote(withoutDirectories) + " pylock.toml > pylock.rtbuild.toml\n"
	if edits := g.mirrorScript(everywhere...); edits != "" { // the file holds the URL of each archive
		script += writeFile("/tmp/mirrors", edits) + "sed -i -f /tmp/mirrors pylock.rtbuild.toml\n"
	}
	return g.uvRequirements("install pylock.toml", script+"install --preview-features pylock -r pylock.rtbuild.toml\n")
}

func (p Pylock) forBuild() Installer { return p }

// withoutDirectories is an awk program that leaves out the packages of a pylock.toml that are directories.
const withoutDirectories = `function flush() { if (!drop) printf "%s", block; block = ""; drop = 0 }
/^\[\[packages\]\]/ || /^\[[^p[]/ { flush() }
/^directory[ \t]*=/ || /^\[packages\.directory\]/ { drop = 1 }
{ block = block $0 "\n" }
END { flush() }`

// uvRequirements returns the layer of a step that makes the environment and runs a script in the code directory. The script calls install with
// options of "uv pip install".
func (g *Graph) uvRequirements(name, script string, opts ...llb.RunOption) (Layers, error) {
	uv, err := g.uvForLock("")
	if err != nil {
		return nil, err
	}
	venv := shellQuote(g.Runtime.venv())
	return g.uvLayer(name, "UV="+uv.path+"\n"+uvCache+`export UV_CACHE_DIR="$cache" UV_LINK_MODE=copy UV_NO_PROGRESS=1 UV_NO_CONFIG=1
export UV_PYTHON_DOWNLOADS=never UV_DEFAULT_INDEX=`+shellQuote(g.mirrored(PyPI+"/simple"))+`
install() { "$UV" pip install --python `+venv+`/bin/python --no-deps "$@"; }
"$UV" venv --quiet --clear --python python3 `+venv+`
cd `+shellQuote(g.Runtime.Code())+`
`+script+`find `+venv+` -name __pycache__ -prune -exec rm -rf {} +
rm -rf "$HOME/.cache" "$HOME/.local/share/uv"
`, uv, opts...), nil
}
