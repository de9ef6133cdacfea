package llb

import (
	"maps"
	"path"
	"slices"

	"github.com/moby/buildkit/client/llb"
)

// sourceMode normalises what an umask may change: files 0644, or 0755 if they are executable, directories 0755. It is
// written without "=": up to v0.20 BuildKit took u=rwX for u=rw.
var sourceMode = llb.ChmodOpt{ModeStr: "u+rwX,go+rX,go-w,a-st"}

// source is the stage of the agent's own source: one layer, merged over a deps image that nobody pulls.
func (g *Graph) source() Layers {
	return Layers{{Stage: "source", Name: "copy source to " + g.Runtime.Code(), Field: "source", add: merge(g.SourceTree())}}
}

// SourceTree is the source on nothing, the same bytes wherever it is made: what leads to it is laid over it once more, since the
// time stamps of directories change when something is put into them.
func (g *Graph) SourceTree() llb.State {
	dirs := llb.Scratch().File(g.codeDirs(), named("source", "make directories"))
	onto := llb.CopyInfo{CopyDirContentsOnly: true, CreatedTime: &g.Epoch}
	files := onto
	files.Mode = &sourceMode
	tree := llb.Copy(dirs, "/", "/", &onto).
		Copy(g.Source, "/", g.Runtime.Code(), &files, llb.WithUIDGID(g.Owner.UID, g.Owner.GID))
	if g.openhands() {
		tree = tree.Copy(g.openhandsSource(), "/", "/", &onto)
	}
	tree = tree.Copy(dirs, "/", "/", g.apart(onto))
	return llb.Scratch().File(tree, named("source", "collect source"))
}

// apart gives the source layer a cache key of its own for each compression: BuildKit compresses a layer once, and gives the same
// bytes to every later export. The pattern matches nothing.
func (g *Graph) apart(copied llb.CopyInfo) *llb.CopyInfo {
	if g.Compression != "" {
		copied.ExcludePatterns = []string{"compression " + g.Compression}
	}
	return &copied
}

// extensions are the editor's extensions that the agent's source brings, by the names under which the editor finds them.
var extensions = map[string]string{"hello-world": "openhands-hello-world", "memory-monitor": "openhands-memory-monitor"}

// openhandsSource is what OpenHands' build makes of some of its source, on nothing. The brackets are there because only a pattern
// may match nothing, and its first names must be there.
func (g *Graph) openhandsSource() llb.State {
	some := llb.CopyInfo{AllowWildcard: true, AllowEmptyWildcard: true, CreateDestPath: true, CreatedTime: &g.Epoch}
	public := some
	public.Mode = &llb.ChmodOpt{ModeStr: "a+rwx"}
	made := llb.Copy(g.Source, "/[o]penhands/__init__.py", g.Runtime.Code()+"/openhands/", &public, llb.WithUIDGID(g.Owner.UID, g.Owner.GID))
	if g.Runtime.Components["editor"] {
		contents := some
		contents.CopyDirContentsOnly, contents.Mode = true, &sourceMode
		for _, name := range slices.Sorted(maps.Keys(extensions)) {
			made = made.Copy(g.Source, "/[o]penhands/runtime/utils/vscode-extensions/"+name,
				g.editorDir()+"/extensions/"+extensions[name]+"/", &contents, g.ownedTools())
		}
	}
	return llb.Scratch().File(made, named("source", "collect what OpenHands has of it elsewhere"))
}

// codeDirs makes the code directory and those that lead to it.
func (g *Graph) codeDirs() *llb.FileAction {
	code := g.Runtime.Code()
	return g.inDir(path.Dir(code)).Mkdir(code, 0o755, llb.WithCreatedTime(g.Epoch), llb.WithUIDGID(g.Owner.UID, g.Owner.GID))
}

// removeOld takes directories of an older source away from an image that is not pulled: the difference between a tree
// that has them and one that has not is a whiteout.
func (g *Graph) removeOld() Layers {
	if !g.OldSource {
		return nil
	}
	return Layers{{Stage: "source", Name: "remove the old source", Field: "source", add: func(s, _ llb.State, opts ...llb.ConstraintsOpt) llb.State {
		old, remove := g.codeDirs(), (*llb.FileAction)(nil)
		for _, dir := range g.sourcePaths() {
			old = old.Mkdir(dir, 0o755, llb.WithParents(true), llb.WithCreatedTime(g.Epoch), g.ownedTools())
			if remove == nil {
				remove = llb.Rm(dir)
				continue
			}
			remove = remove.Rm(dir)
		}
		with := llb.Scratch().File(old, named("source", "have the old source"))
		without := with.File(remove, named("source", "have it no more"))
		return llb.Merge([]llb.State{s, llb.Diff(with, without)}, opts...)
	}}}
}

// sourcePaths are the files and directories that hold nothing but source.
func (g *Graph) sourcePaths() []string {
	var dirs []string
	for _, source := range g.Runtime.Source {
		if source.Path == "." {
			dirs = []string{g.Runtime.Code()}
			break
		}
		dirs = append(dirs, g.Runtime.Code()+"/"+source.Path)
	}
	if g.openhands() && g.Runtime.Components["editor"] {
		for _, name := range slices.Sorted(maps.Values(extensions)) {
			dirs = append(dirs, g.editorDir()+"/extensions/"+name)
		}
	}
	return dirs
}

// extra is the user's own command, last and on everything before it: it pulls the deps image.
func (g *Graph) extra() Layers {
	if g.Runtime.Extra == "" {
		return nil
	}
	return Layers{g.step("extra", g.Runtime.Extra, "extra", g.user(), "cd "+shellQuote(g.Runtime.Code())+"\n"+g.Runtime.Extra+"\n",
		secretFile(g.user().home+"/.npmrc", SecretNPMRC),
		secretFile(g.user().home+"/.netrc", SecretNetrc),
		secretFile("/etc/pip.conf", SecretPipConf),
		agent())}
}
