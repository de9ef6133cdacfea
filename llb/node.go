package llb

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"

	"github.com/rtbuild/rtbuild/internal/profile"
)

// node is Node.js and npm, laid out below the prefix as in Node.js' own archives.
func (g *Graph) node(version string) (Layers, error) {
	if _, pinned := g.Runtime.Release("node", version); !pinned {
		known := nodeVersions()
		return nil, Fault("runtime", "node %s is not pinned here, but %s are: set runtime: {node: %s}, or take a base image that brings it "+
			"(such as node:%s)", version, strings.Join(known, ", "), known[len(known)-1], version)
	}
	prefix := g.Runtime.Prefix
	binary, unpacked, err := g.npmPackage("node", version)
	if err != nil {
		return nil, err
	}
	bin := prefix + "/bin"
	exec := llb.ChmodOpt{ModeStr: "u=rwx,go=rx"}
	node := toolLayer(binary, g.inDir(bin).Copy(unpacked, "/package/bin/node", bin+"/node", &llb.CopyInfo{Mode: &exec}))
	npm, err := g.nodeProgram("npm", map[string]string{"npm": "bin/npm-cli.js", "npx": "bin/npx-cli.js"})
	return Layers{node, npm}, err
}

// nodeOfUbuntu is what the profile openhands has on Ubuntu besides: Node.js 22, and corepack, which stands in for yarn.
func (g *Graph) nodeOfUbuntu() (Layers, error) {
	if g.Distro.ID != "ubuntu" {
		return nil, nil
	}
	layers, err := g.node("22")
	if err != nil {
		return nil, err
	}
	corepack, err := g.nodeProgram("corepack", map[string]string{"corepack": "dist/corepack.js", "yarn": "dist/yarn.js", "yarnpkg": "dist/yarnpkg.js"})
	return append(layers, corepack), err
}

// nodeProgram is a package of programs that Node.js runs, with the file of each.
func (g *Graph) nodeProgram(name string, programs map[string]string) (Layer, error) {
	from, unpacked, err := g.npmPackage(name, "")
	if err != nil {
		return Layer{}, err
	}
	bin, modules := g.Runtime.Prefix+"/bin", g.Runtime.Prefix+"/lib/node_modules"
	files := g.inDir(bin).Mkdir(path.Dir(modules), 0o755).Mkdir(modules, 0o755).
		Copy(unpacked, "/package", modules+"/"+name, &llb.CopyInfo{CopyDirContentsOnly: true, CreateDestPath: true})
	for _, program := range slices.Sorted(maps.Keys(programs)) {
		files = files.Symlink("../lib/node_modules/"+name+"/"+programs[program], bin+"/"+program)
	}
	return toolLayer(from, files), nil
}

// nodeVersions are those that are pinned, the oldest first.
func nodeVersions() []string {
	var known []string
	for _, t := range profile.Releases() {
		if t.Name == "node" {
			known = append(known, t.Version)
		}
	}
	slices.Reverse(known)
	return known
}

// npmPackage is a package of the npm registry, and what it unpacks to, below /package.
func (g *Graph) npmPackage(name, version string) (file, llb.State, error) {
	tarball, err := g.release(name, version, "runtime")
	unpacked := llb.Scratch().File(llb.Copy(tarball.state, "/"+name, "/", &llb.CopyInfo{AttemptUnpack: true}), named("tools", "unpack "+tarball.Title))
	return tarball, unpacked, err
}
