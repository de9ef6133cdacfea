package llb

import "github.com/moby/buildkit/client/llb"

// unwantedExtensions are folders of the editor that the original removes.
var unwantedExtensions = []string{"diff", "grunt", "handlebars", "ini", "json", "npm", "pug"}

// editor is openvscode-server, which agents' users watch them with. The base's own programs find it as "code".
func (g *Graph) editor() (Layers, error) {
	if !g.Runtime.Components["editor"] {
		return nil, nil
	}
	tarball, err := g.release("openvscode-server", "", "components")
	if err != nil {
		return nil, err
	}
	unpacked := llb.Scratch().File(llb.Copy(tarball.state, "/openvscode-server", "/", &llb.CopyInfo{AttemptUnpack: true}),
		named("tools", "unpack "+tarball.Title))
	contents := &llb.CopyInfo{AllowWildcard: true, CopyDirContentsOnly: true}
	dir := g.editorDir()
	remote := dir + "/bin/remote-cli/"
	files := g.inDir(dir).Copy(unpacked, "/openvscode-server-*", dir+"/", contents, g.ownedTools()).
		Copy(unpacked, "/openvscode-server-*/bin/remote-cli/openvscode-server", remote+"code", &llb.CopyInfo{AllowWildcard: true}, g.ownedTools())
	for _, name := range unwantedExtensions {
		files = files.Rm(dir+"/extensions/"+name, llb.WithAllowNotFound(true))
	}
	return Layers{toolLayer(tarball, files)}, nil
}

// editorDir is where the editor lives.
func (g *Graph) editorDir() string { return g.Runtime.Prefix + "/.openvscode-server" }
