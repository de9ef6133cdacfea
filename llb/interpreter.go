package llb

import (
	"encoding/json"
	"path"
	"strings"

	"github.com/moby/buildkit/util/system"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
)

// interpreterEnv are the variables by which the official images of Docker Hub say which interpreter they hold. So what
// a base brings is known from its config, with nothing pulled or run.
var interpreterEnv = map[string]string{"node": "NODE_VERSION", "python": "PYTHON_VERSION"}

// interpreter is the layers of the language runtime, none if the base's own will do.
func (g *Graph) interpreter() (Layers, error) {
	if g.Runtime.Interpreter.Name != "node" || g.baseHasInterpreter() {
		return nil, nil
	}
	return g.node(g.Runtime.Interpreter.Version)
}

// interpreterPackages are the distribution's packages that the interpreter comes from, unless an environment brings it.
func (g *Graph) interpreterPackages() ([]string, error) {
	want := g.Runtime.Interpreter
	if want.Name != "python" || has[Conda](g.Runtime.Tools) || g.baseHasInterpreter() {
		return nil, nil
	}
	if g.Distro.Manager == nil {
		return []string{"python3"}, nil // no one to ask; packages says so
	}
	if !satisfies(g.Distro.Python, want.Version) {
		return nil, FieldErrorf("runtime", "python %s is wanted, but %s has %s: set runtime: {python: %q}, or take a base image that brings it "+
			"(such as python:%s)", want.Version, g.Distro.Pretty, orUnknown(g.Distro.Python), g.Distro.Python, want.Version)
	}
	return pythonPackages.of(g.Distro.Manager.Name), nil
}

func (g *Graph) baseHasInterpreter() bool {
	want := g.Runtime.Interpreter
	has := envValue(g.Base.Config, interpreterEnv[want.Name])
	return has != "" && satisfies(has, want.Version) && !g.Base.NoInterpreter
}

// interpreterPrograms are what an interpreter is run by.
var interpreterPrograms = map[string]string{"node": "node", "python": "python3"}

// BaseInterpreters are the paths at which a base has the interpreter, if it has one: for images in which its variable is only a
// setting for a later step, or a program's that chooses at start.
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

// satisfies reports whether a version is the one wanted, which may be a prefix of whole components.
func satisfies(version, want string) bool {
	return want == "" || version == want || strings.HasPrefix(version, want+".")
}

func orUnknown(version string) string {
	if version == "" {
		return "one that rtbuild does not know"
	}
	return version
}

// envValue gives a variable of an image config.
func envValue(config []byte, name string) string {
	var img dockerspec.DockerOCIImage
	if name == "" || json.Unmarshal(config, &img) != nil {
		return ""
	}
	for _, kv := range img.Config.Env {
		if value, ok := strings.CutPrefix(kv, name+"="); ok {
			return value
		}
	}
	return ""
}
