package llb

import (
	"fmt"

	"github.com/moby/buildkit/client/llb"
)

// uv is the tools uv and uvx.
func (g *Graph) uv() (Layers, error) {
	tarball, unpacked, err := g.uvUnpacked("tools.uv")
	if err != nil {
		return nil, err
	}
	bin := g.Runtime.Prefix + "/bin"
	from := &llb.CopyInfo{AllowWildcard: true, Mode: &llb.ChmodOpt{ModeStr: "u=rwx,go=rx"}}
	return Layers{toolLayer(tarball, g.inDir(bin).Copy(unpacked, "/uv-*/uv*", bin+"/", from, g.ownedTools()))}, nil
}

// uvSync installs what uv.lock says, exactly, without the project itself, into a virtual environment. uv is not in the image.
func (g *Graph) uvSync() (Layer, error) {
	tarball, unpacked, err := g.uvUnpacked("dependencies")
	if err != nil {
		return Layer{}, err
	}
	// uv.lock names the address of each file, so a mirror has to be written into it.
	project := ""
	if edits := g.mirrorScript(everywhere...); edits != "" {
		project = "cp -R . /tmp/project\n" + writeFile("/tmp/mirrors", edits) + "sed -i -f /tmp/mirrors /tmp/project/uv.lock\ncd /tmp/project\n"
	}
	venv := shellQuote(g.venv())
	script := fmt.Sprintf(`uv=$(echo %[1]s/uv-*/uv)
%[2]sexport UV_CACHE_DIR="$cache" UV_PROJECT_ENVIRONMENT=%[3]s UV_LINK_MODE=copy UV_NO_PROGRESS=1
export UV_PYTHON=python3 UV_PYTHON_DOWNLOADS=never UV_DEFAULT_INDEX=%[4]s
cd %[5]s
%[6]s"$uv" sync --frozen --no-install-project --no-dev
find %[3]s -name __pycache__ -prune -exec rm -rf {} +
rm -rf "$HOME/.cache" "$HOME/.local/share/uv"
`, inputs, uvCache, venv, shellQuote(g.mirrored(PyPI+"/simple")), shellQuote(g.Runtime.Code()), project)
	user := g.user()
	return g.step("deps", "uv sync --frozen", "dependencies", user, script,
		llb.AddMount(inputs, unpacked, llb.Readonly),
		g.cache("/var/cache/uv", llb.CacheMountShared, "uv"),
		secretFile(user.home+"/.netrc", SecretNetrc),
		agent()).contacting(tarball.contacts...).contacting(g.contacts(PyPI, PyPIFiles)...), nil
}

// uvCache shares what uv downloads and unpacks, and not what it builds. Its directories have numbers that change with uv, which holds
// their names: a name that is not found is not shared.
var uvCache = partsOf("/var/cache/uv", `$(grep -aoE '(archive|wheels|simple)-v[0-9]+' "$uv" | sort -u)`)

// uvUnpacked is uv's archive, and what it unpacks to: a directory named after the target.
func (g *Graph) uvUnpacked(field string) (file, llb.State, error) {
	tarball, err := g.release("uv", "", field)
	return tarball, llb.Scratch().File(llb.Copy(tarball.state, "/uv", "/", &llb.CopyInfo{AttemptUnpack: true}), named("tools", "unpack "+tarball.Title)), err
}
