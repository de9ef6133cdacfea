package llb

import (
	"github.com/moby/buildkit/client/llb"
)

// deps is the stage of locked dependencies. It sees the lock files and never the source, so that a deps image serves
// every source over it.
func (g *Graph) deps() Layers {
	switch g.Runtime.Dependencies.Manager {
	case "npm":
		return Layers{g.copyLockFiles(), g.npm()}
	case "pip":
		return Layers{g.copyLockFiles(), g.pip()}
	default: // none
		return nil
	}
}

// copyLockFiles puts the lock files where the source will put them again.
func (g *Graph) copyLockFiles() Layer {
	return Layer{Stage: "deps", Name: "copy lock files", add: func(s llb.State, name llb.ConstraintsOpt) llb.State {
		return s.File(llb.Copy(g.LockFiles, "/", g.Runtime.Code()+"/", &llb.CopyInfo{
			Mode:                &sourceMode,
			CopyDirContentsOnly: true,
		}, llb.WithUser(g.user().name+":"+g.user().name)), name)
	}}
}
