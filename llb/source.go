package llb

import (
	"github.com/moby/buildkit/client/llb"
)

// sourceMode normalises what an umask may change: files 0644, or 0755 if they are executable, directories 0755. It is
// written without "=": up to v0.20 BuildKit took u=rwX for u=rw.
var sourceMode = llb.ChmodOpt{ModeStr: "u+rwX,go+rX,go-w,a-st"}

// source is the stage of the agent's own source: one layer, merged over a deps image that nobody pulls.
func (g *Graph) source() Layers {
	return Layers{{Stage: "source", Name: "copy source to " + g.Runtime.Code(), Field: "source", add: merge(g.SourceTree())}}
}

// SourceTree is the source on nothing, the same bytes wherever it is made: the directories that lead to it are laid over
// it once more, since their time stamps change when something is put into them.
func (g *Graph) SourceTree() llb.State {
	dirs := llb.Scratch().File(g.codeDirs(), named("source", "make directories"))
	onto := llb.CopyInfo{CopyDirContentsOnly: true, CreatedTime: &g.Epoch}
	files := onto
	files.Mode = &sourceMode
	tree := llb.Copy(dirs, "/", "/", &onto).
		Copy(g.Source, "/", g.Runtime.Code(), &files, llb.WithUIDGID(g.Owner.UID, g.Owner.GID)).
		Copy(dirs, "/", "/", &onto)
	return llb.Scratch().File(tree, named("source", "collect source"))
}

// codeDirs makes the code directory and those that lead to it. A layer carries them with mode and owner, so they are
// those that the system stage gives them.
func (g *Graph) codeDirs() *llb.FileAction {
	owner := llb.WithUIDGID(g.Owner.UID, g.Owner.GID)
	var action *llb.FileAction
	for _, dir := range parents(g.Runtime.Code()) {
		var opts []llb.MkdirOption
		if dir == g.Runtime.Code() || dir == g.Runtime.Prefix && g.ownsPrefix() {
			opts = append(opts, owner)
		}
		if action == nil {
			action = llb.Mkdir(dir, 0o755, opts...)
			continue
		}
		action = action.Mkdir(dir, 0o755, opts...)
	}
	return action
}

// ownsPrefix reports whether the prefix itself belongs to the user, as in the original's images.
func (g *Graph) ownsPrefix() bool { return g.Runtime.Profile == "openhands" }

// removeOld takes directories of an older source away from an image that is not pulled: the difference between a tree
// that has them and one that has not is a whiteout.
func (g *Graph) removeOld() Layers {
	if len(g.OldFiles) == 0 {
		return nil
	}
	return Layers{{Stage: "source", Name: "remove the old source", Field: "source", add: func(s llb.State, opts ...llb.ConstraintsOpt) llb.State {
		old, remove := g.codeDirs(), llb.Rm(g.OldFiles[0])
		for _, dir := range g.OldFiles {
			old = old.Mkdir(dir, 0o755, llb.WithParents(true))
		}
		for _, dir := range g.OldFiles[1:] {
			remove = remove.Rm(dir)
		}
		with := llb.Scratch().File(old, named("source", "have the old source"))
		without := with.File(remove, named("source", "have it no more"))
		return llb.Merge([]llb.State{s, llb.Diff(with, without)}, opts...)
	}}}
}

// extra is the user's own command, last and on everything before it: it pulls the deps image.
func (g *Graph) extra() Layers {
	if g.Runtime.Extra == "" {
		return nil
	}
	return Layers{g.step("extra", g.Runtime.Extra, "extra", g.user(), "cd "+g.Runtime.Code()+"\n"+g.Runtime.Extra+"\n",
		secretFile(g.user().home+"/.npmrc", SecretNPMRC),
		secretFile(g.user().home+"/.netrc", SecretNetrc),
		secretFile("/etc/pip.conf", SecretPipConf),
		agent())}
}
