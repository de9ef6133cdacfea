package llb

import "github.com/moby/buildkit/client/llb"

// Editor installs openvscode-server, with which users watch their agents. Programs in the image find it as "code".
type Editor struct {
	Without []string // folders of extensions to delete
}

func (e Editor) layers(g *Graph) (Layers, error) {
	tarball, err := g.release("openvscode-server", "", "components")
	if err != nil {
		return nil, err
	}
	return Layers{g.toolLayer(tarball, func() *llb.FileAction { return e.files(g, g.unpacked(tarball)) })}, nil
}

// files copies the editor below the prefix.
func (e Editor) files(g *Graph, unpacked llb.State) *llb.FileAction {
	contents := &llb.CopyInfo{AllowWildcard: true, CopyDirContentsOnly: true}
	dir := g.Runtime.Prefix + "/.openvscode-server"
	remote := dir + "/bin/remote-cli/"
	files := g.mkdirAll(dir).Copy(unpacked, "/openvscode-server-*", dir+"/", contents, g.ownedTools()).
		Copy(unpacked, "/openvscode-server-*/bin/remote-cli/openvscode-server", remote+"code", &llb.CopyInfo{AllowWildcard: true}, g.ownedTools())
	for _, name := range e.Without {
		files = files.Rm(dir+"/extensions/"+name, llb.WithAllowNotFound(true))
	}
	return files
}
