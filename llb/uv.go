package llb

import (
	"fmt"

	"github.com/moby/buildkit/client/llb"
)

// UV is the tools uv and uvx.
type UV struct{}

func (UV) layers(g *Graph) (Layers, error) {
	tarball, err := g.release("uv", "", "tools.uv")
	if err != nil {
		return nil, err
	}
	return Layers{g.toolLayer(tarball, func() *llb.FileAction {
		bin := g.Runtime.bin()
		from := &llb.CopyInfo{AllowWildcard: true, Mode: &llb.ChmodOpt{ModeStr: "u=rwx,go=rx"}}
		return g.inDir(bin).Copy(g.unpacked(tarball), "/uv-*/uv*", bin+"/", from, g.ownedTools())
	})}, nil
}

// UVSync installs what uv.lock says, exactly, without the project itself, into a virtual environment. uv is not in the image.
type UVSync struct{ inVenv }

func (UVSync) layers(g *Graph) (Layers, error) {
	tarball, err := g.release("uv", "", "dependencies")
	if err != nil {
		return nil, err
	}
	// uv.lock names the address of each file, so a mirror has to be written into it.
	project := ""
	if edits := g.mirrorScript(everywhere...); edits != "" {
		project = "cp -R . /tmp/project\n" + writeFile("/tmp/mirrors", edits) + "sed -i -f /tmp/mirrors /tmp/project/uv.lock\ncd /tmp/project\n"
	}
	venv := shellQuote(g.Runtime.venv())
	script := fmt.Sprintf(`uv=$(echo %[1]s/uv-*/uv)
%[2]sexport UV_CACHE_DIR="$cache" UV_PROJECT_ENVIRONMENT=%[3]s UV_LINK_MODE=copy UV_NO_PROGRESS=1
export UV_PYTHON=python3 UV_PYTHON_DOWNLOADS=never UV_DEFAULT_INDEX=%[4]s
cd %[5]s
%[6]s"$uv" sync --frozen --no-install-project --no-dev
find %[3]s -name __pycache__ -prune -exec rm -rf {} +
rm -rf "$HOME/.cache" "$HOME/.local/share/uv"
`, inputs, uvCache, venv, shellQuote(g.mirrored(PyPI+"/simple")), shellQuote(g.Runtime.Code()), project)
	user := g.user()
	layer := g.step(StageDeps, "uv sync --frozen", "dependencies", user, script,
		mounted(inputs, func() llb.State { return g.unpacked(tarball) }),
		g.cache("/var/cache/uv", llb.CacheMountShared, "uv"),
		secretFile(user.home+"/.netrc", SecretNetrc),
		agent())
	return Layers{layer.using(tarball).fetching(g.endpoints(PyPI, PyPIFiles)...)}, nil
}

// uvCache shares what uv downloads and unpacks, and not what it builds. Its directories have numbers that change with uv, which holds
// their names: a name that is not found is not shared.
var uvCache = partsOf("/var/cache/uv", `$(grep -aoE '(archive|wheels|simple)-v[0-9]+' "$uv" | sort -u)`)
