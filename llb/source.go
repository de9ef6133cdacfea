package llb

import (
	"path"
	"strings"

	"github.com/moby/buildkit/client/llb"
)

// sourceMode undoes the effect of a umask: files become 0644, or 0755 if they are executable, and directories 0755. It avoids "=": BuildKit
// up to v0.20 treats u=rwX as u=rw.
var sourceMode = llb.ChmodOpt{ModeStr: "u+rwX,go+rX,go-w,a-st"}

// source returns the layer of the agent's own source. It is merged over the deps image, so the builder does not pull that.
func (g *Graph) source() Layers {
	return Layers{{Stage: StageSource, Name: "copy source to " + g.Runtime.Code(), Field: "source", upper: func(layerInput) llb.State {
		return g.SourceTree()
	}}}
}

// SourceTree returns the source on scratch, and what the build command made of it.
func (g *Graph) SourceTree() llb.State {
	return g.collect(g.Built, g.compressionKey())
}

// collect returns the source on scratch. built are further files of the code directory; it may be nil. The bytes do not depend on where the
// tree is made: it copies the parent directories once more at the end, because adding a file changes the time stamp of its directory.
func (g *Graph) collect(built *llb.State, key llb.CopyInfo) llb.State {
	dirs := llb.Scratch().File(g.codeDirs(), named(StageSource, "make directories"))
	onto := llb.CopyInfo{CopyDirContentsOnly: true, CreatedTime: &g.Epoch}
	files := onto
	files.Mode = &sourceMode
	tree := llb.Copy(dirs, "/", "/", &onto).
		Copy(g.Source, "/", g.Runtime.Code(), &files, llb.WithUIDGID(g.Owner.UID, g.Owner.GID))
	if len(g.Runtime.SourceCopies) > 0 {
		tree = tree.Copy(g.sourceCopies(), "/", "/", &onto)
	}
	if built != nil {
		tree = tree.Copy(*built, "/", g.Runtime.Code(), &files, llb.WithUIDGID(g.Owner.UID, g.Owner.GID))
	}
	key.CopyDirContentsOnly, key.CreatedTime = true, &g.Epoch
	tree = tree.Copy(dirs, "/", "/", &key)
	return llb.Scratch().File(tree, named(StageSource, "collect source"))
}

// compressionKey gives the source layer a cache key for each compression. BuildKit compresses a layer once, and reuses the result for
// every later export. The pattern matches no file.
func (g *Graph) compressionKey() llb.CopyInfo {
	if g.Compression == "" {
		return llb.CopyInfo{}
	}
	return llb.CopyInfo{ExcludePatterns: []string{"compression " + g.Compression}}
}

// sourceCopies returns the further copies of parts of the source, on scratch.
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
		from, to, owner := optionalPattern(c.From), g.Runtime.Prefix+"/"+c.To, llb.WithUIDGID(g.Owner.UID, g.Owner.GID)
		if made == nil {
			made = llb.Copy(g.Source, from, to, how, owner)
			continue
		}
		made = made.Copy(g.Source, from, to, how, owner)
	}
	return llb.Scratch().File(made, named(StageSource, "copy parts of it to other places"))
}

// codeDirs makes the code directory and its parents.
func (g *Graph) codeDirs() *llb.FileAction {
	code := g.Runtime.Code()
	return g.mkdirAll(path.Dir(code)).Mkdir(code, 0o755, llb.WithCreatedTime(g.Epoch), llb.WithUIDGID(g.Owner.UID, g.Owner.GID))
}

// removeOld deletes the directories of an older source, without pulling the image. The difference between a tree with the directories and
// one without them is a layer of whiteouts.
func (g *Graph) removeOld() Layers {
	if !g.OldSource {
		return nil
	}
	return Layers{{Stage: StageSource, Name: "remove the old source", Field: "source", upper: func(layerInput) llb.State {
		return g.whiteouts(g.sourcePaths())
	}}}
}

// whiteouts returns a layer that deletes directories.
func (g *Graph) whiteouts(dirs []string) llb.State {
	old, remove := g.codeDirs(), (*llb.FileAction)(nil)
	for _, dir := range dirs {
		old = old.Mkdir(dir, 0o755, llb.WithParents(true), llb.WithCreatedTime(g.Epoch), g.ownedTools())
		if remove == nil {
			remove = llb.Rm(dir)
			continue
		}
		remove = remove.Rm(dir)
	}
	with := llb.Scratch().File(old, named(StageSource, "make a placeholder of the old source"))
	without := with.File(remove, named(StageSource, "delete the placeholder"))
	return llb.Diff(with, without)
}

// sourcePaths returns the files and directories that hold only source.
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

// extra runs the user's own command as the last step. It needs all files of the image, so the builder pulls the deps image.
func (g *Graph) extra() Layers {
	if g.Runtime.Extra == "" {
		return nil
	}
	return Layers{g.step(StageExtra, g.Runtime.Extra, "extra", g.user(), "cd "+shellQuote(g.Runtime.Code())+"\n"+g.Runtime.Extra+"\n",
		variables(g.Runtime.Env), variables(g.Args),
		secretFile(g.user().home+"/.npmrc", SecretNPMRC),
		secretFile(g.user().home+"/.netrc", SecretNetrc),
		secretFile("/etc/pip.conf", SecretPipConf),
		agent())}
}
