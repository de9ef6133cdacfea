package llb

import (
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"
)

// Build is a command that makes files of the source, as a compiler does. It runs in the build image: system and tools, the packages of
// [Runtime.BuildPackages], and the dependencies with those for development. Nothing of that image but the outputs gets into a runtime image.
type Build struct {
	Run     []string          // the command
	Env     map[string]string // its variables; it does not see those of the runtime
	Outputs []string          // what to take of the code directory; empty: all that it made or changed
	Without []string          // patterns, in .dockerignore's syntax, of what is no output if Outputs is empty
	Network bool              // it may use the network
}

// Title returns the command as one line, as the progress shows it.
func (b *Build) Title() string { return commandTitle(b.Run) }

func commandTitle(words []string) string {
	if len(words) == 3 && words[0] == "/bin/sh" && words[1] == "-c" {
		return words[2]
	}
	return strings.Join(words, " ")
}

// script runs the command in the code directory, after a script that prepares for it. Whatever the reason of a failure is, the log ends
// with a line about the network, because programs without one fail in many ways.
func (b *Build) script(code, before string) string {
	run := before + "cd " + shellQuote(code) + "\n" + shellWords(b.Run)
	if b.Network {
		return run + "\n"
	}
	return run + ` || {
  code=$?
  echo "The command ran without network. If it needs the network, write network: default below build." >&2
  exit $code
}
`
}

// BuildLayers returns the layers of the build image, after those of system and tools.
func (g *Graph) BuildLayers() (Layers, error) {
	if err := g.checkBuildPackages(); err != nil {
		return nil, err
	}
	layers := g.removeOld()
	if names := g.buildPackages(); len(names) > 0 {
		layers = append(layers, g.install(g.buildInstallation(names)))
		layers = append(layers, g.headersLayer()...)
	}
	if installer := g.Runtime.Installer; installer != nil {
		more, err := g.components(append([]Component{lockFiles{}, installer.forBuild()}, g.projects()...))
		if err != nil {
			return nil, err
		}
		layers = append(layers, more...)
	}
	for i := range layers {
		layers[i].Stage = StageBuild
	}
	return layers, nil
}

func (g *Graph) buildInstallation(names []string) installation {
	return installation{title: "install " + strings.Join(names, " "), field: "build.packages", packages: names}
}

// buildPackages returns the names of the build's packages, sorted and unique.
func (g *Graph) buildPackages() []string {
	manager := ""
	if g.Distro.Manager != nil {
		manager = g.Distro.Manager.Name
	}
	return slices.Compact(slices.Sorted(slices.Values(g.Runtime.BuildPackages.of(g.Distro, manager))))
}

// checkBuildPackages returns a [DistroError] if there are packages of the build but no package manager.
func (g *Graph) checkBuildPackages() error {
	if names := g.buildPackages(); len(names) > 0 && g.Distro.Manager == nil {
		return &DistroError{g.Distro, names}
	}
	return nil
}

// installerRoot returns what installers of dependencies run on: the stages before theirs, and the packages of the build.
func (g *Graph) installerRoot(at layerInput) llb.State {
	names := g.buildPackages()
	if len(names) == 0 {
		return at.stageStart
	}
	return at.once("build packages", func() []llb.State {
		what := g.buildInstallation(names)
		return []llb.State{g.install(what).draw(layerInput{below: at.stageStart}, named(StageBuild, what.title), g.location(what.field))}
	})[0]
}

// installOnce returns the layer of an installer that writes below one directory, besides what the image need not have. If there are
// packages of the build, the step runs on an image with them, and the layer has that directory alone. Otherwise the step runs on the image.
func (g *Graph) installOnce(name, dir, script string, opts func(at layerInput) []llb.RunOption) Layer {
	c, code := command{StageDeps, name, script, g.user()}, g.Runtime.Code()
	layer := Layer{Stage: StageDeps, Name: name, Field: "dependencies"}
	if len(g.Runtime.BuildPackages) == 0 {
		layer.draw = func(at layerInput, labels ...llb.ConstraintsOpt) llb.State {
			return g.run(at.below, c, labels, opts(at)...).Root()
		}
		return layer
	}
	layer.upper = func(at layerInput) llb.State {
		labels := []llb.ConstraintsOpt{named(at.stage, name), g.location(layer.Field)}
		run := g.run(g.installerRoot(at), c, labels, append(opts(at), llb.AddMount(code, g.copiedLockFiles(), llb.SourcePath(code)))...)
		empty := g.emptyDir(dir, g.Owner)
		full := run.AddMount(dir, empty, llb.SourcePath(dir))
		return llb.Diff(empty, full, append(g.uncached(at.stage), llb.WithCustomName("[internal] take "+dir))...)
	}
	return layer
}

// BuildOutputs returns what the build command makes in the code directory, on scratch. It runs on the build image, with the source in its
// place. Its environment is the same whether this build made that image or a registry holds it.
func (g *Graph) BuildOutputs(image llb.State) llb.State {
	b, code := g.Runtime.Build, g.Runtime.Code()
	before := llb.Merge([]llb.State{g.buildEnvironment().WithOutput(image.Output()), g.collect(nil, llb.CopyInfo{})}, named(StageBuild, "put the source on the build image"))
	headers := ""
	if g.Runtime.Interpreter.Name == "node" {
		headers = nodeGyp
	}
	c := command{StageBuild, b.Title(), b.script(code, headers), g.user()}
	after := g.exec(before, c, []llb.ConstraintsOpt{named(StageBuild, b.Title()), g.location("build")}, g.buildOptions()...).Root()
	made := llb.Diff(before, after, append(g.uncached(StageBuild), named(StageBuild, "find what it made"))...)
	taken := &llb.CopyInfo{
		CopyDirContentsOnly: true, CreateDestPath: true, AllowWildcard: true, AllowEmptyWildcard: true, CreatedTime: &g.Epoch, Mode: &sourceMode,
		IncludePatterns: b.Outputs,
	}
	if len(b.Outputs) == 0 {
		taken.ExcludePatterns = b.Without
	}
	return llb.Scratch().File(llb.Copy(made, optionalPattern(strings.TrimPrefix(code, "/")), "/", taken, llb.WithUIDGID(g.Owner.UID, g.Owner.GID)),
		named(StageBuild, "take what it made"))
}

func (g *Graph) buildOptions() []llb.RunOption {
	b := g.Runtime.Build
	var opts []llb.RunOption
	opts = append(opts, variables(b.Env), variables(g.Args))
	if !b.Network {
		return append(opts, llb.Network(llb.NetModeNone))
	}
	home := g.user().home
	return append(opts, secretFile(home+"/.npmrc", SecretNPMRC), secretFile(home+"/.netrc", SecretNetrc), secretFile("/etc/pip.conf", SecretPipConf), agent())
}

// buildEnvironment returns an empty state with the base's variables and PATH, without those that a deps image has besides.
func (g *Graph) buildEnvironment() llb.State {
	state := llb.Scratch().Platform(g.Platform).User("root").Dir("/")
	for _, kv := range configEnv(g.Base.Config) {
		name, value, _ := strings.Cut(kv, "=")
		if _, ours := g.Runtime.DepsEnv()[name]; !ours && name != "PATH" {
			state = state.AddEnv(name, value)
		}
	}
	return state.AddEnv("PATH", g.path())
}
