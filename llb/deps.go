package llb

import (
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"
)

// deps is the stage of locked dependencies. It sees the lock files and never the source, so that a deps image serves
// every source over it.
func (g *Graph) deps() (Layers, error) {
	var list []Component
	if g.Runtime.Installer != nil {
		list = []Component{lockFiles{}, g.Runtime.Installer}
	}
	return g.components(slices.Concat(list, g.Runtime.Deps))
}

// lockFiles is the component that puts the lock files where the source will put them again.
type lockFiles struct{}

func (lockFiles) layers(g *Graph) (Layers, error) {
	return Layers{{Stage: StageDeps, Name: "copy lock files", Field: "dependencies", draw: func(at canvas, opts ...llb.ConstraintsOpt) llb.State {
		return at.on.File(llb.Copy(g.lockFiles(), "/", g.Runtime.Code()+"/", &llb.CopyInfo{
			Mode:                &sourceMode,
			CopyDirContentsOnly: true,
		}, llb.WithUser(g.user().name+":"+g.user().name)), opts...)
	}}}, nil
}

// lockFiles are the lock files where their installer looks for them.
func (g *Graph) lockFiles() llb.State {
	if len(g.Runtime.LockFiles) == 0 {
		return g.LockFiles
	}
	var found *llb.FileAction
	for _, pattern := range g.Runtime.LockFiles {
		from, any := optional(pattern), &llb.CopyInfo{AllowWildcard: true, AllowEmptyWildcard: true}
		if found == nil {
			found = llb.Copy(g.LockFiles, from, "/", any)
			continue
		}
		found = found.Copy(g.LockFiles, from, "/", any)
	}
	return llb.Scratch().File(found, named(StageDeps, "take the lock files"))
}

// optional is a path in the context as a pattern that may match nothing. The first names of a pattern must be there, up to the first
// that has a wildcard: a path that begins without one gets brackets.
func optional(name string) string {
	if first, _, more := strings.Cut(name, "/"); !more && strings.ContainsAny(first, "*?[") {
		return "/" + name
	}
	return "/[" + name[:1] + "]" + name[1:]
}
