package llb

import (
	"fmt"

	"github.com/moby/buildkit/client/llb"
)

// condaForge is the only channel that the environment is installed from.
const condaForge = "https://conda.anaconda.org/conda-forge"

// Conda installs micromamba and an environment with Poetry and the runtime's interpreter. It only needs the base's C library. So it runs in
// parallel with the steps of system, and its files are merged.
type Conda struct{ Name string }

// mambaRoot returns micromamba's root prefix.
func (r *Runtime) mambaRoot() string { return r.Prefix + "/micromamba" }

// dir returns the environment's directory.
func (c Conda) dir(r *Runtime) string { return r.mambaRoot() + "/envs/" + c.Name }

func (c Conda) layers(g *Graph) (Layers, error) {
	program, err := g.release("micromamba", "", "tools.micromamba")
	if err != nil {
		return nil, err
	}
	layer := Layer{Stage: StageTools, Name: "add " + program.Title, Field: "tools.micromamba", batch: "conda", upper: func(at layerInput) llb.State {
		return at.once("conda", func() []llb.State { return []llb.State{c.install(g, program, at)} })[0]
	}}
	return Layers{layer.withDownload(program).withEndpoints(g.endpoints(condaForge)...)}, nil
}

// install makes the environment, with byte code that depends on nothing but its files.
func (c Conda) install(g *Graph, program file, at layerInput) llb.State {
	root, python := g.Runtime.mambaRoot(), g.Runtime.Interpreter.Version
	script := fmt.Sprintf(`export CONDA_PKGS_DIRS=/var/cache/conda MAMBA_ROOT_PREFIX=%[1]s HOME=/tmp
install -d -m 0755 %[1]s/bin
install -m 0755 %[2]s/micromamba %[1]s/bin/micromamba
printf 'channels:\n  - conda-forge\n' > %[1]s/.condarc
%[1]s/bin/micromamba create -y -n %[3]s --override-channels -c %[4]s poetry %[5]s
rm -rf %[1]s/pkgs
chown -R %[6]d:%[7]d %[1]s
chmod -R go+rX %[1]s
PYTHONHASHSEED=0 PYTHONDONTWRITEBYTECODE=1 %[8]s/bin/python -I %[9]s/python_install.py compile --home %[1]s --bytecode %[10]s
`, shellQuote(root), inputs, shellQuote(c.Name), shellQuote(g.mirrored(condaForge)), shellQuote("python="+python), g.Owner.UID, g.Owner.GID,
		shellQuote(c.dir(g.Runtime)), programsDir, g.Runtime.bytecode())
	return g.captureDir(at.entry, StageTools, "make environment of python "+python+" and poetry", root, script,
		llb.AddMount(inputs, g.state(program), llb.Readonly), pythonPrograms(),
		g.cache("/var/cache/conda", llb.CacheMountLocked, "conda", g.Platform.Architecture))
}

// mount mounts the environment for a step on an image without it. The step's cache key is that of the environment's contents, wherever
// they come from.
func (c Conda) mount(g *Graph, at layerInput) llb.RunOption {
	root := g.Runtime.mambaRoot()
	return mountLazily(root, func() llb.State {
		if at.reuses {
			return at.entry
		}
		program, err := g.release("micromamba", "", "tools.micromamba")
		if err != nil {
			panic(err) // the tools stage returns it
		}
		return at.once("conda", func() []llb.State { return []llb.State{c.install(g, program, at)} })[0]
	}, llb.SourcePath(root))
}
