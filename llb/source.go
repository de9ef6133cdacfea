package llb

import (
	"path"
	"strings"

	"github.com/moby/buildkit/client/llb"
)

// sourceMode normalises what an umask may change: files 0644, or 0755 if they are executable, directories 0755. It is
// written without "=": up to v0.20 BuildKit took u=rwX for u=rw.
var sourceMode = llb.ChmodOpt{ModeStr: "u+rwX,go+rX,go-w,a-st"}

// source is the stage of the agent's own source: one layer, merged over a deps image that nobody pulls.
func (g *Graph) source() Layers {
	return Layers{{Stage: StageSource, Name: "copy source to " + g.Runtime.Code(), Field: "source", draw: merged(func(canvas) llb.State {
		return g.SourceTree()
	})}}
}

// SourceTree is the source on nothing, the same bytes wherever it is made: what leads to it is laid over it once more, since the
// time stamps of directories change when something is put into them.
func (g *Graph) SourceTree() llb.State {
	dirs := llb.Scratch().File(g.codeDirs(), named(StageSource, "make directories"))
	onto := llb.CopyInfo{CopyDirContentsOnly: true, CreatedTime: &g.Epoch}
	files := onto
	files.Mode = &sourceMode
	tree := llb.Copy(dirs, "/", "/", &onto).
		Copy(g.Source, "/", g.Runtime.Code(), &files, llb.WithUIDGID(g.Owner.UID, g.Owner.GID))
	if len(g.Runtime.SourceCopies) > 0 {
		tree = tree.Copy(g.sourceCopies(), "/", "/", &onto)
	}
	tree = tree.Copy(dirs, "/", "/", g.apart(onto))
	return llb.Scratch().File(tree, named(StageSource, "collect source"))
}

// apart gives the source layer a cache key of its own for each compression: BuildKit compresses a layer once, and gives the same
// bytes to every later export. The pattern matches nothing.
func (g *Graph) apart(copied llb.CopyInfo) *llb.CopyInfo {
	if g.Compression != "" {
		copied.ExcludePatterns = []string{"compression " + g.Compression}
	}
	return &copied
}

// sourceCopies is what of the source lies elsewhere, too, on nothing.
func (g *Graph) sourceCopies() llb.State {
	var made *llb.FileAction
	for _, c := range g.Runtime.SourceCopies {
		how := &llb.CopyInfo{
			AllowWildcard: true, AllowEmptyWildcard: true, CreateDestPath: true, CreatedTime: &g.Epoch,
			CopyDirContentsOnly: c.Contents, Mode: &sourceMode,
		}
		if c.Mode != "" {
			how.Mode = &llb.ChmodOpt{ModeStr: c.Mode}
		}
		from, to, owner := optional(c.From), g.Runtime.Prefix+"/"+c.To, llb.WithUIDGID(g.Owner.UID, g.Owner.GID)
		if made == nil {
			made = llb.Copy(g.Source, from, to, how, owner)
			continue
		}
		made = made.Copy(g.Source, from, to, how, owner)
	}
	return llb.Scratch().File(made, named(StageSource, "copy parts of it to other places"))
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
	return Layers{{Stage: StageSource, Name: "remove the old source", Field: "source", draw: func(at canvas, opts ...llb.ConstraintsOpt) llb.State {
		old, remove := g.codeDirs(), (*llb.FileAction)(nil)
		for _, dir := range g.sourcePaths() {
			old = old.Mkdir(dir, 0o755, llb.WithParents(true), llb.WithCreatedTime(g.Epoch), g.ownedTools())
			if remove == nil {
				remove = llb.Rm(dir)
				continue
			}
			remove = remove.Rm(dir)
		}
		with := llb.Scratch().File(old, named(StageSource, "make a placeholder of the old source"))
		without := with.File(remove, named(StageSource, "delete the placeholder"))
		return llb.Merge([]llb.State{at.on, llb.Diff(with, without)}, opts...)
	}}}
}

// sourcePaths are the files and directories that hold nothing but source.
func (g *Graph) sourcePaths() []string {
	code := g.Runtime.Code()
	var dirs []string
	for _, name := range g.Runtime.Source {
		if name == "." {
			dirs = []string{code}
			break
		}
		dirs = append(dirs, code+"/"+name)
	}
	for _, c := range g.Runtime.SourceCopies {
		if dir := path.Join(g.Runtime.Prefix, c.To); !strings.HasPrefix(dir, code+"/") {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// extra is the user's own command, last and on everything before it: it pulls the deps image.
func (g *Graph) extra() Layers {
	if g.Runtime.Extra == "" {
		return nil
	}
	return Layers{g.step(StageExtra, g.Runtime.Extra, "extra", g.user(), "cd "+shellQuote(g.Runtime.Code())+"\n"+g.Runtime.Extra+"\n",
		secretFile(g.user().home+"/.npmrc", SecretNPMRC),
		secretFile(g.user().home+"/.netrc", SecretNetrc),
		secretFile("/etc/pip.conf", SecretPipConf),
		agent())}
}
