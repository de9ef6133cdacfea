package llb

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/moby/buildkit/client/llb"
)

// PoetryLock installs what poetry.lock says, without the project itself. Poetry decides what that is, for the platform and the groups. uv
// installs it, with the hashes of the lock file. Poetry does not become part of the image unless conda brings it.
type PoetryLock struct {
	Conda  *Conda   // brings Poetry and the interpreter; nil: the image has the interpreter
	Groups []string // of the project's dependencies
	Extras []string // of the project

	// LeftOut are the names of packages that are not installed: projects of the source.
	LeftOut []string
}

func (p PoetryLock) path(r *Runtime) []string {
	if p.Conda == nil {
		return inVenv{}.path(r)
	}
	return CondaPoetry{}.path(r)
}

func (p PoetryLock) dirs(r *Runtime) []string { return []string{p.home(r)} }

// home returns the directory that Poetry makes environments in. Without conda it is the prefix, where the environment is called venv.
func (p PoetryLock) home(r *Runtime) string {
	if p.Conda == nil {
		return r.venv()
	}
	return r.Prefix + "/poetry"
}

func (p PoetryLock) layers(g *Graph) (Layers, error) {
	d := p.deps(g)
	if _, known := uvWheels("")[g.Platform.Architecture]; !known {
		return nil, FieldErrorf("dependencies", "rtbuild has no pinned uv for %s, which installs the packages: let the distribution's Poetry install them: "+
			"packages: [python3-poetry] and dependencies: {manager: poetry, files: [pyproject.toml, poetry.lock], installer: poetry}", g.Platform.Architecture)
	}
	if g.OldSource { // the layers are merged over what another tool has installed there
		return append(Layers{{Stage: StageDeps, Name: "remove the old packages", Field: "dependencies", upper: func(layerInput) llb.State {
			return g.whiteouts([]string{d.home})
		}}}, d.layers()...), nil
	}
	return d.layers(), nil
}

func (p PoetryLock) deps(g *Graph) pythonDeps {
	d := pythonDeps{g: g, conda: p.Conda, home: p.home(g.Runtime)}
	pin := ""
	if has[Browser](g.Runtime.Deps) {
		pin = "playwright"
	}
	d.resolve = command{StageDeps, "read poetry.lock", d.environment(true) + p.environmentScript(g) + fmt.Sprintf(`%[7]spoetry $sync --dry-run --no-ansi --no-root --only %[1]s%[8]s > /tmp/plan || { cat /tmp/plan; exit 1; }
"$resolver" %[2]s/python_resolve.py poetry.lock /tmp/plan %[3]d %[4]s "$name" %[5]s
python3 -I %[2]s/python_install.py compile --home %[6]s --bytecode none
`, shellQuote(strings.Join(p.Groups, ",")), programsDir, pythonParts, resolvedDir, pin, shellQuote(d.home), poetrySync, poetryExtras(p.Extras)), d.user()}
	d.inputs = func(at layerInput) []llb.RunOption { return p.inputs(d, at) }
	return d
}

// environmentScript makes the empty environment, and writes its name for the steps of the parts.
func (p PoetryLock) environmentScript(g *Graph) string {
	script := "cd " + shellQuote(g.Runtime.Code()) + `
export POETRY_CACHE_DIR=/tmp/poetry POETRY_NO_INTERACTION=1 VIRTUALENV_OVERRIDE_APP_DATA=/tmp/virtualenv
`
	home := shellQuote(p.home(g.Runtime))
	if p.Conda != nil {
		return script + `resolver=python3
export POETRY_VIRTUALENVS_PATH=` + home + `
poetry env use "$(command -v python)"
name=$(basename "$(poetry env info --path)")
for record in ` + home + `/*/lib/*/site-packages/pip-*.dist-info/RECORD; do sort -o "$record" "$record"; done # virtualenv's order is random
`
	}
	return script + `name=. resolver=python3
if ! command -v poetry >/dev/null; then
  resolver=` + managerDir + `/venv/bin/python # old interpreters lack what the program needs, and Poetry brings it
fi
` + managerPath + `python3 -m venv --clear ` + home + `
export VIRTUAL_ENV=` + home + ` PATH=` + home + `/bin:"$PATH"
`
}

// inputs mounts Poetry unless conda brings it, and tells the program that reads the lock file about mirrors, and what to leave out.
func (p PoetryLock) inputs(d pythonDeps, at layerInput) []llb.RunOption {
	var opts []llb.RunOption
	if p.Conda == nil {
		opts = append(opts, poetryManager.mount(d, at))
	}
	if len(p.LeftOut) > 0 {
		opts = append(opts, llb.AddEnv("RTBUILD_LEFT_OUT", strings.Join(p.LeftOut, " ")))
	}
	if len(d.g.Runtime.Mirrors) == 0 {
		return opts
	}
	mirrors, err := json.Marshal(d.g.Runtime.Mirrors)
	if err != nil {
		panic(err) // a map of strings always marshals
	}
	return append(opts, llb.AddEnv("RTBUILD_MIRRORS", string(mirrors)))
}

// resolvedMount mounts what the lock file says: a directory that python_resolve.py writes.
func (p PoetryLock) resolvedMount(g *Graph, at layerInput, list, target string) llb.RunOption {
	return mountLazily(target, func() llb.State {
		_, lists := p.deps(g).resolved(at)
		return lists
	}, llb.SourcePath("/lists/"+list))
}

func (p PoetryLock) forBuild() Installer { return p }
