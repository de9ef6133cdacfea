package llb

import (
	"fmt"
	"slices"

	"github.com/moby/buildkit/client/llb"
)

// UV installs the programs uv and uvx.
type UV struct{}

func (UV) layers(g *Graph) (Layers, error) {
	tarball, err := g.release("uv", "", "tools.uv")
	if err != nil {
		return nil, err
	}
	return Layers{g.toolLayer(tarball, func() *llb.FileAction {
		bin := g.Runtime.bin()
		from := &llb.CopyInfo{AllowWildcard: true, Mode: &llb.ChmodOpt{ModeStr: "u=rwx,go=rx"}}
		return g.mkdirAll(bin).Copy(g.unpacked(tarball), "/uv-*/uv*", bin+"/", from, g.ownedTools())
	})}, nil
}

// UVSync installs exactly what uv.lock says into a virtual environment, without the project itself and other projects of the source. uv does
// not become part of the image.
type UVSync struct {
	inVenv

	Version  string   // of uv, one of UVVersions; empty: the default
	Archives bool     // install the archives that uv.lock names by their paths
	LeftOut  []string // the names of all projects that uv.lock names by their paths, if there are archives

	Package string   // the member of the workspace that uv begins with; empty: the project at the root
	Extras  []string // of the project's optional dependencies
	Groups  []string // besides the default groups without dev; of a member, these too
}

// chosen returns the options for the project, extras and groups. An option that leaves a group out wins over one that names it. Versions of uv
// take the default groups either from a member or from the root.
func (u UVSync) chosen() string {
	flags := ""
	if u.Package != "" {
		flags = " --package " + shellQuote(u.Package) + " --no-default-groups"
	}
	for _, name := range u.Extras {
		flags += " --extra " + shellQuote(name)
	}
	for _, name := range u.Groups {
		flags += " --group " + shellQuote(name)
	}
	if !slices.Contains(u.Groups, "dev") {
		flags += " --no-dev"
	}
	return flags
}

// flags returns the options that leave projects of the source out.
func (u UVSync) flags() string {
	if !u.Archives {
		return "--no-install-workspace --no-install-local"
	}
	flags := "--no-install-workspace"
	for _, name := range u.LeftOut {
		flags += " --no-install-package " + shellQuote(name)
	}
	return flags
}

func (u UVSync) layers(g *Graph) (Layers, error) {
	uv, err := g.uvForLock(u.Version)
	if err != nil {
		return nil, err
	}
	// uv.lock holds the URL of each file, so mirrors must be written into it.
	project := ""
	if edits := g.mirrorScript(everywhere...); edits != "" {
		project = "cp -R . /tmp/project\n" + writeFile("/tmp/mirrors", edits) + "sed -i -f /tmp/mirrors /tmp/project/uv.lock\ncd /tmp/project\n"
	}
	venv := shellQuote(g.Runtime.venv())
	script := fmt.Sprintf(`UV=%[1]s
%[2]sexport UV_CACHE_DIR="$cache" UV_PROJECT_ENVIRONMENT=%[3]s UV_LINK_MODE=copy UV_NO_PROGRESS=1
export UV_PYTHON=python3 UV_PYTHON_DOWNLOADS=never UV_DEFAULT_INDEX=%[4]s
cd %[5]s
%[6]s"$UV" sync --frozen %[7]s%[8]s
find %[3]s -name __pycache__ -prune -exec rm -rf {} +
rm -rf "$HOME/.cache" "$HOME/.local/share/uv"
`, uv.path, uvCache, venv, shellQuote(g.mirrored(PyPI+"/simple")), shellQuote(g.Runtime.Code()), project, u.flags(), u.chosen())
	return g.uvLayer("uv sync --frozen", script, uv), nil
}

// uvLayer returns the layer of a step that calls uv.
func (g *Graph) uvLayer(name, script string, uv uvProgram, more ...llb.RunOption) Layers {
	user := g.user()
	layer := g.installOnce(name, g.Runtime.venv(), script, func(at layerInput) []llb.RunOption {
		return append([]llb.RunOption{
			mountLazily(inputs, func() llb.State { return uv.files(at) }),
			g.cache("/var/cache/uv", llb.CacheMountShared, "uv"),
			secretFile(user.home+"/.netrc", SecretNetrc),
			agent(),
		}, more...)
	})
	if uv.download != nil {
		layer = layer.withDownload(*uv.download)
	}
	return Layers{layer.withEndpoints(g.endpoints(PyPI, PyPIFiles)...)}
}

// uvProgram is the uv that a step mounts at inputs.
type uvProgram struct {
	path     string // for a shell
	files    func(at layerInput) llb.State
	download *file // nil: it comes from the index
}

// uvForLock returns the uv that the user chooses, else the pinned one from the index, so that no other site is needed.
func (g *Graph) uvForLock(version string) (uvProgram, error) {
	if !slices.ContainsFunc(g.Runtime.Releases, func(t Tool) bool { return t.Name == "uv" && t.Chosen }) {
		if _, known := uvWheels("")[g.Platform.Architecture]; known {
			d := pythonDeps{g: g, home: g.Runtime.venv(), uvVersion: version}
			return uvProgram{path: inputs + "/uv/uv", files: d.uv}, nil
		}
	}
	tarball, err := g.release("uv", "", "dependencies")
	return uvProgram{`$(echo ` + inputs + `/uv-*/uv)`, func(layerInput) llb.State { return g.unpacked(tarball) }, &tarball}, err
}

// uvCache shares what uv downloads and unpacks, but not what it builds. uv numbers the directories of its cache by version, so the script
// reads their names from uv itself. A directory whose name it does not find is not shared.
var uvCache = sharedParts("/var/cache/uv", `$(grep -aoE '(archive|wheels|simple)-v[0-9]+' "$UV" | sort -u)`)

func (u UVSync) forBuild() Installer { return u }
