package profile

import (
	"reflect"
	"slices"
	"testing"
	"testing/fstest"

	bkllb "github.com/moby/buildkit/client/llb"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
	"github.com/rtbuild/rtbuild/llb"
)

// TestImageInstalls shows who installs the dependencies of an image, and which byte code it has.
func TestImageInstalls(t *testing.T) {
	openhands := projecttest.Files("pyproject.toml", openhandsPyproject, "poetry.lock", "")
	poetry := projecttest.Files("pyproject.toml", "", "poetry.lock", "")
	const parts, itself = "Python packages, part 1 of 16", "poetry sync" // layers of the two installers of poetry.lock
	for _, test := range []struct {
		name, yaml string
		project    fstest.MapFS
		installer  llb.Installer
		bytecode   llb.Bytecode
		layer      string
	}{
		{"openhands", "", openhands, openhandsLock, "all", parts},
		{"openhands by Poetry itself", "dependencies: {installer: poetry}\nbytecode: startup", openhands, llb.CondaPoetry{Conda: conda}, "startup", itself},
		{"openhands by uv", "dependencies: {manager: poetry, installer: uv}\nbytecode: none", openhands, openhandsLock, "none", parts},
		{"python", "", poetry, llb.PoetryLock{Groups: []string{"main"}}, "all", parts},
		{"python by Poetry itself", "dependencies: {installer: poetry}\nbytecode: none", poetry, llb.Poetry{}, "none", itself},
		{"python by uv", "dependencies: {installer: uv}", poetry, llb.PoetryLock{Groups: []string{"main"}}, "all", parts},
		{"python by pip", "bytecode: startup", projecttest.Files("requirements.txt", ""), llb.Pip{Requirements: "requirements.txt"}, "startup", "pip install -r requirements.txt"},
		{"python by pdm", "", projecttest.Files("pdm.lock", "", "pyproject.toml", "[project]\nname = 'own'\n"), llb.PDM{Groups: []string{"default"}}, "all", "install pdm.lock"},
		{"python by pdm, with more", "dependencies: {groups: [metrics], extras: [web]}", projecttest.Files("pdm.lock", "", "pyproject.toml", "[project]\nname = 'own'\n[project.optional-dependencies]\nWeb = []\n[tool.pdm.dev-dependencies]\nmetrics = []\n"),
			llb.PDM{Groups: []string{"default", "web", "metrics"}}, "all", "install pdm.lock"},
		{"python by pylock", "", projecttest.Files("pylock.toml", "", "pyproject.toml", "[project]\nname = 'own'\n"), llb.Pylock{}, "all", "install pylock.toml"},
		{"node", "", nodeProject(""), llb.NPM{}, "", "npm ci: links and lists"},
		{"node with patches", "", projecttest.Files("package-lock.json", "{}", "patches/a.patch", "", "package.json",
			`{"scripts": {"prepare": "patch-package"}, "dependencies": {"patch-package": "8"}}`), llb.NPM{PatchPackage: true}, "", "npm ci: links and lists"},
		{"nothing to install", "dependencies: {manager: none}", nodeProject(""), nil, "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, err := Load(test.project, Options{Base: "debian", Data: []byte(test.yaml)})
			projecttest.CheckError(t, err, "")
			image := r.Image()
			if !reflect.DeepEqual(image.Installer, test.installer) || image.Bytecode != test.bytecode {
				t.Errorf("byte code %q by %T %+v", image.Bytecode, image.Installer, image.Installer)
			}
			_, layers := drawn(t, debianGraph(image))
			if test.layer != "" && !slices.Contains(layers, test.layer) || slices.Contains(layers, parts) != (test.layer == parts) {
				t.Errorf("got the layers %q, want %q", layers, test.layer)
			}
		})
	}
}

// debianGraph returns the graph of an image on Debian.
func debianGraph(image *llb.Runtime) *llb.Graph {
	return &llb.Graph{
		Runtime:  image,
		Platform: ocispecs.Platform{OS: "linux", Architecture: "amd64"},
		Distro:   llb.ParseOSRelease([]byte("ID=debian\nVERSION_CODENAME=bookworm\n")),
		Base:     llb.ImageFacts{Ref: "docker.io/library/debian:12", Config: []byte(`{"os":"linux","config":{"Env":["PATH=/bin"]}}`)},
	}
}

// drawn draws the layers of a graph up to deps. It returns the definition and the layers' names.
func drawn(t *testing.T, g *llb.Graph) (*bkllb.Definition, []string) {
	t.Helper()
	layers, err := g.UpTo(llb.StageDeps)
	projecttest.Must(t, err)
	state, err := g.Draw(layers)
	projecttest.Must(t, err)
	def, err := state.Marshal(t.Context(), bkllb.LinuxAmd64)
	projecttest.Must(t, err)
	var names []string
	for _, layer := range layers {
		names = append(names, layer.Name)
	}
	return def, names
}
