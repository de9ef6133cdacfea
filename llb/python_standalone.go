package llb

import (
	"strings"

	"github.com/moby/buildkit/client/llb"
)

// PythonBuilds is where python-build-standalone publishes its releases, as uv's setting UV_PYTHON_INSTALL_MIRROR has it.
const PythonBuilds = GitHub + "/astral-sh/python-build-standalone/releases/download"

// standalonePython reports whether the image gets the pinned Python: the user says so, or neither the base nor its distribution has a
// fitting one. With packages: [], the base has all that is needed.
func (g *Graph) standalonePython() bool {
	want := g.Runtime.Interpreter
	switch {
	case want.Name != "python" || has[Conda](g.Runtime.Tools):
		return false
	case want.From == FromStandalone:
		return true
	case want.Pinned == "" || g.Runtime.NoPackages || g.baseHasInterpreter():
		return false
	case g.Distro.Release == "": // nobody has looked: the entry image has an interpreter
		return false
	}
	return g.Distro.Manager == nil || !g.distroHasPython()
}

// distroHasPython reports whether the distribution's Python fits. One of an unknown version does unless the user names a version: what
// installs the dependencies checks the project's range itself.
func (g *Graph) distroHasPython() bool {
	want := g.Runtime.Interpreter
	if g.Distro.Python == "" {
		return want.Version == ""
	}
	return want.Accepts(g.Distro.Python)
}

// noPython returns the error for a Python that is nowhere to be had.
func (g *Graph) noPython() error {
	want, hint := g.Runtime.Interpreter, ""
	text := want.Version
	if text == "" {
		text = string(want.Range)
	}
	if g.Distro.Python != "" && want.Range.Accepts(g.Distro.Python) {
		hint = "set runtime: {python: " + pythonLine(g.Distro.Python) + "}, or "
	}
	return FieldErrorf("runtime", "python %s is required, but %s has %s, and rtbuild has no pinned python that fits: %suse a base image that includes it "+
		"(such as python:%s)", text, g.Distro.Pretty, orUnknown(g.Distro.Python), hint, strings.TrimLeft(text, "<>=~!"))
}

// pythonLine returns the first two numbers of a version.
func pythonLine(version string) string {
	numbers := strings.SplitN(version, ".", 3)
	return strings.Join(numbers[:min(2, len(numbers))], ".")
}

// python installs the pinned Python in a directory of its own below the prefix. It keeps the layout of its archive, so that it finds its
// libraries and uv knows it.
func (g *Graph) python() (Layers, error) {
	want := g.Runtime.Interpreter
	if want.Pinned == "" {
		return nil, g.noPython()
	}
	archive, err := g.release("python", want.Pinned, "runtime")
	if err != nil {
		return nil, err
	}
	return Layers{g.toolLayer(archive, func() *llb.FileAction {
		return g.mkdirAll(g.Runtime.python()).Copy(g.unpacked(archive), "/python", g.Runtime.python(), &llb.CopyInfo{CopyDirContentsOnly: true}, g.ownedTools())
	})}, nil
}
