package llb

import (
	"encoding/json"
	"path"
	"strings"

	"github.com/moby/buildkit/util/system"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
)

// interpreterEnv are the variables with which Docker Hub's official images state their interpreter. They are in the image config, so
// nothing has to be pulled or run.
var interpreterEnv = map[string]string{"node": "NODE_VERSION", "python": "PYTHON_VERSION"}

// interpreter returns the layers of the language runtime, or none if the base or the distribution has a suitable one.
func (g *Graph) interpreter() (Layers, error) {
	switch want := g.Runtime.Interpreter; {
	case g.standalonePython():
		return g.python()
	case want.Name == "node" && !g.baseHasInterpreter():
		return g.node(want.Version)
	}
	return nil, nil
}

// interpreterPackages returns the distribution's packages of the interpreter. It returns none if the base, a pinned download or a conda
// environment brings one.
func (g *Graph) interpreterPackages() ([]string, error) {
	want := g.Runtime.Interpreter
	if want.Name != "python" || has[Conda](g.Runtime.Tools) || g.baseHasInterpreter() || g.standalonePython() {
		return nil, nil
	}
	if g.Distro.Manager == nil {
		return []string{"python3"}, nil // leads to a DistroError in packages
	}
	if !g.distroHasPython() {
		return nil, g.noPython()
	}
	return pythonPackages.of(g.Distro.Manager.Name), nil
}

func (g *Graph) baseHasInterpreter() bool {
	want := g.Runtime.Interpreter
	has := envValue(g.Base.Config, interpreterEnv[want.Name])
	return has != "" && want.Accepts(has) && !g.Base.NoInterpreter && want.From == ""
}

// Accepts reports whether a version is the wanted one.
func (i Interpreter) Accepts(version string) bool {
	return satisfies(version, i.Version) && i.Range.Accepts(version)
}

// interpreterPrograms are the programs of interpreters, by the interpreter's name.
var interpreterPrograms = map[string]string{"node": "node", "python": "python3"}

// BaseInterpreters returns the paths at which the base would have the interpreter. Callers check whether one of them exists, because in
// some images the variable is only a setting for a later step or for a version manager.
func (g *Graph) BaseInterpreters() []string {
	dirs := envValue(g.Base.Config, "PATH")
	if dirs == "" {
		dirs = system.DefaultPathEnv(g.Platform.OS)
	}
	var all []string
	for dir := range strings.SplitSeq(dirs, ":") {
		if path.IsAbs(dir) {
			all = append(all, path.Join(dir, interpreterPrograms[g.Runtime.Interpreter.Name]))
		}
	}
	return all
}

// satisfies reports whether a version is the wanted one. The wanted version may be a prefix of whole components.
func satisfies(version, want string) bool {
	return want == "" || version == want || strings.HasPrefix(version, want+".")
}

func orUnknown(version string) string {
	if version == "" {
		return "an unknown version"
	}
	return version
}

// envValue returns the value of a variable in an image config.
func envValue(config []byte, name string) string {
	for _, kv := range configEnv(config) {
		if value, ok := strings.CutPrefix(kv, name+"="); ok && name != "" {
			return value
		}
	}
	return ""
}

// configEnv returns the variables of a raw image config, NAME=VALUE.
func configEnv(config []byte) []string {
	var img dockerspec.DockerOCIImage
	if json.Unmarshal(config, &img) != nil {
		return nil
	}
	return img.Config.Env
}
