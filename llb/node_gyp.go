package llb

import "github.com/moby/buildkit/client/llb"

// nodeHeaders is the directory at which a step finds the pinned Node.js with its C headers.
const nodeHeaders = "/run/rtbuild-node"

// nodeGyp makes node-gyp use C headers that are there: those of the pinned Node.js, or of the base's own. Otherwise it fetches them from
// nodejs.org. All versions of node-gyp look into this directory first, and take headers whose number is not below their own.
const nodeGyp = `for dir in ` + nodeHeaders + ` "$(dirname "$(dirname "$(readlink -f "$(command -v node)")")")"; do
  if [ -e "$dir/include/node/node_version.h" ]; then
    headers="$HOME/.cache/node-gyp/$(node -p process.versions.node)"
    if mkdir -p "$headers" 2>/dev/null && ln -sfn "$dir/include" "$headers/include"; then echo 99 > "$headers/installVersion"; fi
    break
  fi
done
`

// headers returns the download of the Node.js whose headers the build needs: the runtime installs it, and has packages such as a compiler.
func (g *Graph) headers() (node file, needed bool) {
	if g.Runtime.Interpreter.Name != "node" || g.baseHasInterpreter() || len(g.buildPackages()) == 0 {
		return file{}, false
	}
	node, err := g.release("node", g.Runtime.Interpreter.Version, "runtime")
	return node, err == nil // the stage tools reports the error
}

// withHeaders returns a layer of an installation that [Graph.headersMount] gives the headers to.
func (g *Graph) withHeaders(l Layer) Layer {
	if node, needed := g.headers(); needed {
		return l.withDownload(node)
	}
	return l
}

// headersMount mounts the pinned Node.js with its headers. Of it, an image has only the program.
func (g *Graph) headersMount() []llb.RunOption {
	node, needed := g.headers()
	if !needed {
		return nil
	}
	return []llb.RunOption{mountLazily(nodeHeaders, func() llb.State { return g.unpacked(node) }, llb.SourcePath("/package"))}
}

// headersLayer puts the headers into the build image, where node finds them itself.
func (g *Graph) headersLayer() Layers {
	node, needed := g.headers()
	if !needed {
		return nil
	}
	return Layers{g.toolLayer(node, func() *llb.FileAction {
		return g.mkdirAll(g.Runtime.Prefix).Copy(g.unpacked(node), "/package/[i]nclude", g.Runtime.Prefix+"/", &llb.CopyInfo{AllowWildcard: true, AllowEmptyWildcard: true})
	})}
}
