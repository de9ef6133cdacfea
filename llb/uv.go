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
		project = "cp -R . /tmp/project\ncat > /tmp/mirrors <<'EOF'\n" + edits + "EOF\nsed -i -f /tmp/mirrors /tmp/project/uv.lock\ncd /tmp/project\n"
	}
	script := fmt.Sprintf(`export UV_PROJECT_ENVIRONMENT=%[1]s UV_CACHE_DIR="/var/cache/uv/$(id -u)" UV_LINK_MODE=copy UV_NO_PROGRESS=1
export UV_PYTHON=python3 UV_PYTHON_DOWNLOADS=never UV_DEFAULT_INDEX=%[2]s
cd %[3]s
%[4]s%[5]s/uv-*/uv sync --frozen --no-install-project --no-dev
find %[1]s -name __pycache__ -prune -exec rm -rf {} +
rm -rf "$HOME/.cache" "$HOME/.local/share/uv"
`, g.venv(), g.mirrored(pypi+"/simple"), g.Runtime.Code(), project, inputs)
	user := g.user()
	return g.step("deps", "uv sync --frozen", "dependencies", user, script,
		llb.AddMount(inputs, unpacked, llb.Readonly),
		g.cache("/var/cache/uv", llb.CacheMountShared, "uv"),
		secretFile(user.home+"/.netrc", SecretNetrc),
		agent()).contacting(tarball.contacts...).contacting(g.contacts(pypi, pypiFiles)...), nil
}

// uvUnpacked is uv's archive, and what it unpacks to: a directory named after the target.
func (g *Graph) uvUnpacked(field string) (file, llb.State, error) {
	tarball, err := g.release("uv", "", field)
	return tarball, llb.Scratch().File(llb.Copy(tarball.state, "/uv", "/", &llb.CopyInfo{AttemptUnpack: true}), named("tools", "unpack "+tarball.Title)), err
}
