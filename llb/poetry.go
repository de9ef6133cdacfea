package llb

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/moby/buildkit/client/llb"
)

// PyPI is the public index of Python packages. Its pages name files on PyPIFiles. Mirrors can replace either.
const (
	PyPI      = "https://pypi.org"
	PyPIFiles = "https://files.pythonhosted.org"
)

// poetryMirror is a plugin that makes Poetry use mirrors, for which Poetry has no setting.
var (
	//go:embed poetry_mirror.py
	poetryMirror []byte
	//go:embed poetry_mirror_entry_points.txt
	poetryMirrorEntryPoints []byte
)

// poetryCache is a program that keeps Poetry's downloads in the shared cache, but nothing that Poetry built.
//
//go:embed poetry_cache.py
var poetryCache []byte

// poetrySettings keep Poetry from asking questions and from leaving files behind. Of its cache, only the index pages are shared directly.
var poetrySettings = sharedParts("/var/cache/poetry", "cache") + `export POETRY_CACHE_DIR="$cache" POETRY_NO_INTERACTION=1 PYTHONDONTWRITEBYTECODE=1 PYTHONHASHSEED=0
export VIRTUALENV_OVERRIDE_APP_DATA="$POETRY_CACHE_DIR/virtualenv"
`

// withDownloads runs a Poetry command between two copies: first the files that poetry.lock names by hash from the shared cache, then the
// new downloads back to it.
func withDownloads(python, command string) string {
	call := python + " " + inputs + "/poetry_cache.py "
	return call + `"$POETRY_CACHE_DIR/../artifacts" "$POETRY_CACHE_DIR/artifacts"
` + command + "\n" + call + `"$POETRY_CACHE_DIR/artifacts" "$POETRY_CACHE_DIR/../artifacts"
`
}

// poetrySync sets $sync to the command that installs exactly what poetry.lock says and removes everything else. Before Poetry 2.0 that was
// an option of install.
const poetrySync = "if poetry sync --help >/dev/null 2>&1; then sync=sync; else sync='install --sync'; fi\n"

// CondaPoetry installs the groups main and runtime with the Poetry of a conda environment, without the project itself. Poetry makes a
// virtual environment for them below the prefix, and chooses its name.
type CondaPoetry struct{ Conda Conda }

func (CondaPoetry) path(r *Runtime) []string { return []string{r.bin()} }
func (CondaPoetry) dirs(r *Runtime) []string { return []string{r.Prefix + "/poetry"} }

func (c CondaPoetry) layers(g *Graph) (Layers, error) {
	script := fmt.Sprintf(`cd %[1]s
%[2]sexport PATH=%[3]s/bin:"$PATH"
touch /tmp/begin
poetry env use %[3]s/bin/python
%[4]s%[6]sfind %[5]s/poetry -name __pycache__ -prune -exec rm -rf {} +
for record in %[5]s/poetry/*/lib/*/site-packages/pip-*.dist-info/RECORD; do sort -o "$record" "$record"; done # virtualenv's order is random
find %[3]s -name '*.pyc' -newer /tmp/begin -exec rm {} + # interpreters that are told to take no settings write byte code
find %[3]s -name __pycache__ -empty -newer /tmp/begin -exec rmdir {} +
chmod -R go+rX-w %[5]s/poetry # Poetry's threads take each other's umask away for moments
rm -rf "$HOME/.cache" "$HOME/.config/pypoetry"
`, shellQuote(g.Runtime.Code()), poetrySettings, shellQuote(c.Conda.dir(g.Runtime)), poetrySync, shellQuote(g.Runtime.Prefix),
		withDownloads("python", "poetry $sync --only main,runtime --no-root"))
	user := g.user()
	layer := g.step(StageDeps, "poetry sync", "dependencies", user, script, append(g.poetryInputs(),
		secretFile("/etc/pip.conf", SecretPipConf),
		secretFile(user.home+"/.netrc", SecretNetrc),
		agent())...)
	return Layers{layer.withEndpoints(g.endpoints(PyPI, PyPIFiles)...)}, nil
}

// Poetry installs the group main into a virtual environment, without the project itself. Poetry does not become part of the image.
type Poetry struct {
	inVenv

	Groups []string // besides main
	Extras []string // of the project
}

// poetryExtras returns the options of Poetry that choose extras.
func poetryExtras(names []string) string {
	flags := ""
	for _, name := range names {
		flags += " --extras " + shellQuote(name)
	}
	return flags
}

func (p Poetry) layers(g *Graph) (Layers, error) {
	script := fmt.Sprintf(`venv=%[1]s
%[2]s%[4]spython3 -m venv --clear "$venv"
cd %[3]s
export VIRTUAL_ENV="$venv" PATH="$venv/bin:$PATH"
%[5]s%[6]sfind "$venv" -name __pycache__ -prune -exec rm -rf {} +
chmod -R go+rX-w "$venv" # Poetry's threads take each other's umask away for moments
rm -rf "$HOME/.cache" "$HOME/.config/pypoetry"
`, shellQuote(g.Runtime.venv()), poetrySettings, shellQuote(g.Runtime.Code()), managerPath, poetrySync,
		withDownloads("python3", "poetry $sync --only "+shellQuote(strings.Join(append([]string{"main"}, p.Groups...), ","))+poetryExtras(p.Extras)+" --no-root"))
	user := g.user()
	layer := g.installOnce("poetry sync", g.Runtime.venv(), script, func(at layerInput) []llb.RunOption {
		opts := g.poetryInputs()
		if _, known := uvWheels("")[g.Platform.Architecture]; known { // else the image has to bring Poetry
			opts = append(opts, poetryManager.mount(pythonDeps{g: g, home: g.Runtime.venv()}, at))
		}
		return append(opts,
			secretFile("/etc/pip.conf", SecretPipConf),
			secretFile(user.home+"/.netrc", SecretNetrc),
			agent())
	})
	return Layers{layer.withEndpoints(g.endpoints(PyPI, PyPIFiles)...)}, nil
}

// poetryInputs mounts Poetry's cache and, if the runtime has mirrors, the plugin.
func (g *Graph) poetryInputs() []llb.RunOption {
	files := llb.Mkfile("/poetry_cache.py", 0o644, poetryCache)
	if len(g.Runtime.Mirrors) > 0 {
		files = files.Mkdir("/plugin", 0o755).Mkdir("/plugin/rtbuild_poetry_mirror.dist-info", 0o755).
			Mkfile("/plugin/poetry_mirror.py", 0o644, poetryMirror).
			Mkfile("/plugin/rtbuild_poetry_mirror.dist-info/entry_points.txt", 0o644, poetryMirrorEntryPoints).
			Mkfile("/plugin/rtbuild_poetry_mirror.dist-info/METADATA", 0o644, []byte("Metadata-Version: 2.1\nName: rtbuild-poetry-mirror\nVersion: 1\n"))
	}
	opts := []llb.RunOption{
		g.cache("/var/cache/poetry", llb.CacheMountShared, "poetry"),
		llb.AddMount(inputs, llb.Scratch().File(files, llb.WithCustomName("[internal] Poetry's cache and mirrors")), llb.Readonly),
	}
	if len(g.Runtime.Mirrors) == 0 {
		return opts
	}
	mirrors, err := json.Marshal(g.Runtime.Mirrors)
	if err != nil {
		panic(err) // a map of strings always marshals
	}
	return append(opts, llb.AddEnv("PYTHONPATH", inputs+"/plugin"), llb.AddEnv("RTBUILD_MIRRORS", string(mirrors)))
}

func (p Poetry) forBuild() Installer { return p }

func (c CondaPoetry) forBuild() Installer { return c }
