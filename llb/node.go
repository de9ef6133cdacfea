package llb

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"
)

// NodeWithCorepack installs Node.js, npm and corepack, which provides yarn, on a distribution that lacks them.
type NodeWithCorepack struct {
	Distro  string // os-release's ID; on other distributions it adds no layers
	Version string // as in [Interpreter]
}

func (n NodeWithCorepack) layers(g *Graph) (Layers, error) {
	if g.Distro.ID != n.Distro {
		return nil, nil
	}
	layers, err := g.node(n.Version)
	if err != nil {
		return nil, err
	}
	corepack, err := g.nodeProgram("corepack", map[string]string{"corepack": "dist/corepack.js", "yarn": "dist/yarn.js", "yarnpkg": "dist/yarnpkg.js"})
	return append(layers, corepack), err
}

// node installs Node.js and npm below the prefix, in the layout of Node.js's own archives.
func (g *Graph) node(version string) (Layers, error) {
	if known := g.nodeVersions(); !slices.ContainsFunc(g.Runtime.Releases, func(t Tool) bool { return t.Is("node", version) }) {
		return nil, FieldErrorf("runtime", "rtbuild has no pinned node %s, only %s: set runtime: {node: %s}, or use a base image that includes it "+
			"(such as node:%s)", version, strings.Join(known, ", "), ofLine(known, version), version)
	}
	binary, err := g.release("node", version, "runtime")
	if err != nil {
		return nil, err
	}
	node := g.toolLayer(binary, func() *llb.FileAction {
		bin := g.Runtime.bin()
		exec := llb.ChmodOpt{ModeStr: "u=rwx,go=rx"}
		return g.mkdirAll(bin).Copy(g.unpacked(binary), "/package/bin/node", bin+"/node", &llb.CopyInfo{Mode: &exec})
	})
	npm, err := g.nodeProgram("npm", map[string]string{"npm": "bin/npm-cli.js", "npx": "bin/npx-cli.js"})
	return Layers{node, npm}, err
}

// nodeProgram installs an npm package and links its programs. programs maps a program's name to its file.
func (g *Graph) nodeProgram(name string, programs map[string]string) (Layer, error) {
	from, err := g.release(name, "", "runtime")
	if err != nil {
		return Layer{}, err
	}
	return g.toolLayer(from, func() *llb.FileAction {
		bin, modules := g.Runtime.bin(), g.Runtime.Prefix+"/lib/node_modules"
		files := g.mkdirAll(bin).Mkdir(path.Dir(modules), 0o755).Mkdir(modules, 0o755).
			Copy(g.unpacked(from), "/package", modules+"/"+name, &llb.CopyInfo{CopyDirContentsOnly: true, CreateDestPath: true})
		for _, program := range slices.Sorted(maps.Keys(programs)) {
			files = files.Symlink("../lib/node_modules/"+name+"/"+programs[program], bin+"/"+program)
		}
		return files
	}), nil
}

// ofLine returns the first number of the newest version with the same first number, or that of the newest version.
func ofLine(versions []string, wanted string) string {
	line, _, _ := strings.Cut(wanted, ".")
	if slices.ContainsFunc(versions, func(v string) bool { return strings.HasPrefix(v, line+".") }) {
		return line
	}
	newest, _, _ := strings.Cut(versions[len(versions)-1], ".")
	return newest
}

// nodeVersions returns the pinned versions, oldest first.
func (g *Graph) nodeVersions() []string {
	var known []string
	for _, t := range g.Runtime.Releases {
		if t.Name == "node" {
			known = append(known, t.Version)
		}
	}
	slices.Reverse(known)
	return known
}
