package llb

import (
	_ "embed"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/moby/buildkit/client/llb"
)

// pythonParts is the number of parts of a Python environment. A distribution's name decides its part, whatever else is installed. So a
// changed lock file changes the parts of the changed distributions, and no other layer. Each part has two layers, because a large
// distribution must not be sent again when a small one in its part changes.
const pythonParts = 16

var (
	// pythonResolve is a program that writes the requirements of each part, from a lock file and what Poetry would install.
	//
	//go:embed python_resolve.py
	pythonResolve []byte

	// pythonFetch is a program that fetches uv from the index.
	//
	//go:embed python_fetch.py
	pythonFetch []byte

	// pythonInstall is a program that installs the requirements of one part, and compiles byte code.
	//
	//go:embed python_install.py
	pythonInstall []byte
)

// The files that the step which resolves a lock file writes, and the directories at which later steps find inputs and leave outputs.
const (
	resolvedDir = "/run/rtbuild-resolved"
	programsDir = "/run/rtbuild-programs"
	largeDir    = "/run/rtbuild-large"
	netrcPath   = "/run/secrets/" + SecretNetrc
)

// partTime is the time stamp of everything in a layer of dependencies: equal files make equal layers. It is the oldest that a ZIP file can hold.
var partTime = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// pythonDeps are the layers of a locked Python environment. One step makes the environment and writes the requirements of each part. Then
// each part is installed by a step of its own. The steps see the interpreter and their own requirements, and write only the files of
// their layer. So a step runs again only if its requirements change, and the packages of system install meanwhile.
type pythonDeps struct {
	g     *Graph
	conda *Conda // brings the interpreter; nil: the image does
	home  string // the directory of the image that the environment is in

	uvVersion string // empty: the default

	resolve command // makes the environment, and writes to resolvedDir; see python_resolve.py
	inputs  func(layerInput) []llb.RunOption
}

func (d pythonDeps) layers() Layers {
	layers := Layers{d.layer("make the Python environment", func(at layerInput) llb.State {
		env, _ := d.resolved(at)
		return env
	}).withEndpoints(d.g.endpoints(PyPI, PyPIFiles)...)}
	for part := range pythonParts {
		for _, large := range []bool{false, true} {
			layers = append(layers, d.layer(partTitle(part, large), func(at layerInput) llb.State {
				small, big := d.part(at, part)
				if large {
					return big
				}
				return small
			}))
		}
	}
	return append(layers, d.layer("Python packages without a wheel", d.built))
}

func partTitle(part int, large bool) string {
	title := fmt.Sprintf("Python packages, part %d of %d", part+1, pythonParts)
	if large {
		return title + ": large ones"
	}
	return title
}

func (d pythonDeps) layer(name string, upper func(layerInput) llb.State) Layer {
	return Layer{Stage: StageDeps, Name: name, Field: "dependencies", batch: "python", upper: upper}
}

// resolved returns the environment without packages, and the requirements of each part.
func (d pythonDeps) resolved(at layerInput) (env, lists llb.State) {
	both := at.once("python resolve", func() []llb.State { return d.drawResolved(at) })
	return both[0], both[1]
}

func (d pythonDeps) drawResolved(at layerInput) []llb.State {
	opts := append(d.withUV(at, true), d.lockFiles())
	run := d.g.run(d.root(at), d.resolve, d.labels(d.resolve.name), append(opts, d.inputs(at)...)...)
	lists := run.AddMount(resolvedDir, d.g.emptyDir("/lists", d.g.Owner), llb.SourcePath("/lists"))
	return []llb.State{d.output(run, d.home, d.g.emptyDir(d.home, d.g.Owner)), lists}
}

// lockFiles mounts the lock files. Manifests of path dependencies are in directories, which only the copied lock files open to any user.
func (d pythonDeps) lockFiles() llb.RunOption {
	code := d.g.Runtime.Code()
	if d.conda == nil {
		return llb.AddMount(code, d.g.copiedLockFiles(), llb.Readonly, llb.SourcePath(code))
	}
	return llb.AddMount(code, d.g.lockFiles(), llb.Readonly)
}

// part installs one part. It returns the layers of its small and of its large distributions.
func (d pythonDeps) part(at layerInput, part int) (small, large llb.State) {
	name := fmt.Sprintf("install Python packages, part %d of %d", part+1, pythonParts)
	both := at.once(name, func() []llb.State {
		run := d.installs(at, d.root(at), name, fmt.Sprintf("parts/%02d", part), "--no-build", llb.ReadonlyRootFS())
		return []llb.State{d.output(run, d.home, d.g.numberedDir(d.home, 0)), d.output(run, largeDir, d.g.numberedDir(d.home, 1))}
	})
	return both[0], both[1]
}

// built installs the distributions that have no wheel for the platform. They may need compilers, so the step waits for the packages of
// system.
func (d pythonDeps) built(at layerInput) llb.State {
	code := d.g.Runtime.Code()
	project := llb.AddMount(code, d.g.copiedLockFiles(), llb.SourcePath(code)) // with packages that the lock file names by path
	run := d.installs(at, d.g.installerRoot(at), "build Python packages without a wheel", "build", "", agent(), project)
	return d.output(run, d.home, d.g.emptyDir(d.home, d.g.Owner))
}

// installs runs the program that installs the requirements in one directory of resolvedDir.
func (d pythonDeps) installs(at layerInput, on llb.State, name, list, flags string, opts ...llb.RunOption) llb.ExecState {
	_, lists := d.resolved(at)
	builds := flags == ""
	script := fmt.Sprintf(`python3 -I %[1]s/python_install.py install --home %[2]s --large %[3]s --requirements %[4]s --bytecode %[5]s %[6]s
`, programsDir, shellQuote(d.home), largeDir, resolvedDir, d.g.Runtime.bytecode(), flags)
	c := command{StageDeps, name, d.environment(builds) + script, d.user()}
	opts = append(append(d.withUV(at, builds), opts...),
		llb.AddMount(resolvedDir, lists, llb.Readonly, llb.SourcePath("/lists/"+list)))
	return d.g.run(on, c, d.labels(name), opts...)
}

func (d pythonDeps) labels(name string) []llb.ConstraintsOpt {
	return []llb.ConstraintsOpt{named(StageDeps, name), d.g.location("dependencies")}
}

// interpreter puts the interpreter into PATH.
func (d pythonDeps) interpreter() string {
	if d.conda == nil {
		return ""
	}
	return "export PATH=" + shellQuote(d.conda.dir(d.g.Runtime)) + `/bin:"$PATH"` + "\n"
}

// environment sets the variables of all steps that call uv. What uv downloads is shared between steps, but not what it builds.
func (d pythonDeps) environment(builds bool) string {
	cache := `export UV_CACHE_DIR="/var/cache/uv/$(id -u)"` + "\n"
	if builds { // git reads no other file
		cache = uvCache + `export UV_CACHE_DIR="$cache"` + "\n" + `ln -s "$NETRC" "$HOME/.netrc"` + "\n"
	}
	return d.interpreter() + `export HOME=/tmp/home NETRC=` + netrcPath + ` PYTHONDONTWRITEBYTECODE=1 PYTHONHASHSEED=0
mkdir -p "$HOME"
export UV=` + inputs + `/uv UV_DEFAULT_INDEX=` + shellQuote(d.g.mirrored(PyPI+"/simple")) + `
export UV_LINK_MODE=copy UV_NO_PROGRESS=1 UV_PYTHON_DOWNLOADS=never UV_NO_CONFIG=1
` + cache
}

// root returns the image that the steps run on. With conda, it is the base alone, so that the steps do not wait for the packages of system.
func (d pythonDeps) root(at layerInput) llb.State {
	if d.conda == nil {
		return at.stageStart
	}
	return d.g.onBase(at)
}

// uv returns the program uv, which a step takes from the index.
func (d pythonDeps) uv(at layerInput) llb.State {
	return at.once("uv", func() []llb.State { return []llb.State{d.drawUV(at)} })[0]
}

func (d pythonDeps) drawUV(at layerInput) llb.State {
	wheels := uvWheels(d.uvVersion)[d.g.Platform.Architecture]
	const name = "fetch uv from the index"
	c := command{StageDeps, name, d.interpreter() + "exec python3 -I " + programsDir + "/python_fetch.py " +
		shellWords(append([]string{d.g.mirrored(PyPI + "/simple"), resolvedDir}, wheels[:]...)) + "\n", d.user()}
	run := d.g.run(d.root(at), c, d.labels(name), append(d.host(at), llb.ReadonlyRootFS(), llb.AddEnv("NETRC", netrcPath))...)
	return d.keyed(run.AddMount(resolvedDir, d.g.emptyDir("/uv", d.g.Owner), llb.SourcePath("/uv")))
}

// keyed returns an output of a step on d.root. On a base alone, the cache key has the base's contents. So a versioned build after one from
// scratch finds the step. Without conda the root has the packages of system, too. Then the builder would have to read all of them for steps
// that only unpack wheels.
func (d pythonDeps) keyed(output llb.State) llb.State {
	if d.conda == nil {
		return output
	}
	return keyedByRoot(output)
}

// withUV returns what steps mount that call uv: all that host returns, uv and its cache. Steps that run code of packages have another
// cache than those that only unpack wheels, because uv trusts what it has unpacked.
func (d pythonDeps) withUV(at layerInput, builds bool) []llb.RunOption {
	cache := "uv-wheels"
	if builds {
		cache = "uv"
	}
	return append(d.host(at),
		mountLazily(inputs, func() llb.State { return d.uv(at) }, llb.SourcePath("/uv")),
		d.g.cache("/var/cache/uv", llb.CacheMountShared, cache))
}

// host returns what all steps mount: the interpreter and the programs.
func (d pythonDeps) host(at layerInput) []llb.RunOption {
	opts := []llb.RunOption{
		pythonPrograms(),
		secretFile(netrcPath, SecretNetrc),
	}
	if d.conda != nil {
		opts = append(opts, d.conda.mount(d.g, at))
	}
	return opts
}

// pythonPrograms mounts the programs above.
func pythonPrograms() llb.RunOption {
	files := llb.Mkfile("/python_resolve.py", 0o644, pythonResolve).Mkfile("/python_fetch.py", 0o644, pythonFetch).
		Mkfile("/python_install.py", 0o644, pythonInstall)
	return llb.AddMount(programsDir, llb.Scratch().File(files, llb.WithCustomName("[internal] programs for Python environments")), llb.Readonly)
}

// user is the owner of the environment, by number: the base has no user of that name yet.
func (d pythonDeps) user() profileUser {
	return profileUser{fmt.Sprintf("%d:%d", d.g.Owner.UID, d.g.Owner.GID), "/tmp/home"}
}

// output returns what a step writes to a directory, as a layer that has it at the environment's place. empty holds that place.
func (d pythonDeps) output(run llb.ExecState, dir string, empty llb.State) llb.State {
	full := d.keyed(run.AddMount(dir, empty, llb.SourcePath(d.home)))
	return llb.Diff(empty, full, append(d.g.uncached(StageDeps), llb.WithCustomName("[internal] take "+path.Base(dir)))...)
}

// emptyDir returns a state with one directory, its parents, and nothing else. Their time stamps are constant.
func (g *Graph) emptyDir(dir string, owner Owner) llb.State {
	var action *llb.FileAction
	for _, d := range parents(dir) {
		opts := []llb.MkdirOption{llb.WithCreatedTime(partTime)}
		switch {
		case d == dir:
			opts = append(opts, llb.WithUIDGID(owner.UID, owner.GID))
		case strings.HasPrefix(d+"/", g.Runtime.Prefix+"/"):
			opts = append(opts, g.ownedTools())
		}
		if action == nil {
			action = llb.Mkdir(d, 0o755, opts...)
			continue
		}
		action = action.Mkdir(d, 0o755, opts...)
	}
	made := llb.Scratch().File(action, llb.WithCustomName("[internal] make "+dir))
	// Making a directory gives the one above it the present time.
	timed := llb.Copy(made, "/", "/", &llb.CopyInfo{CopyDirContentsOnly: true, CreatedTime: &partTime})
	return llb.Scratch().File(timed, llb.WithCustomName("[internal] make "+dir))
}

// numberedDir returns the state of emptyDir as another vertex for each number. Each mount of a step needs one of its own; see [Graph.cache].
func (g *Graph) numberedDir(dir string, number int) llb.State {
	empty := g.emptyDir(dir, g.Owner)
	if number == 0 {
		return empty
	}
	name := fmt.Sprintf("/%d", number)
	return empty.File(llb.Mkdir(name, 0o755).Rm(name), llb.WithCustomName(fmt.Sprintf("[internal] make %s for part %d", dir, number)))
}

// onBase returns the base with the environment of the entry image: what the layers of system and tools are put on.
func (g *Graph) onBase(at layerInput) llb.State {
	if n := g.baseLayers(); at.reuses && n > 0 {
		return at.entry.WithOutput(g.entryImage(n).Output())
	}
	return at.entry
}
