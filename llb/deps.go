package llb

import (
	"github.com/moby/buildkit/client/llb"
)

// deps is the stage of locked dependencies. It sees the lock files and never the source, so that a deps image serves
// every source over it.
func (g *Graph) deps() (Layers, error) {
	switch manager := g.Runtime.Dependencies.Manager; manager {
	case "npm":
		return Layers{g.copyLockFiles(), g.npm()}, nil
	case "pip":
		return Layers{g.copyLockFiles(), g.pip()}, nil
	case "none":
		return nil, nil
	default:
		return nil, Fault("dependencies", "dependencies of profile %s cannot be installed yet (manager %q): only the source can be laid over a "+
			"deps image that exists, by variant lock", g.Runtime.Profile, manager)
	}
}

// copyLockFiles puts the lock files where the source will put them again.
func (g *Graph) copyLockFiles() Layer {
	return Layer{Stage: "deps", Name: "copy lock files", Field: "dependencies", add: func(s llb.State, opts ...llb.ConstraintsOpt) llb.State {
		return s.File(llb.Copy(g.LockFiles, "/", g.Runtime.Code()+"/", &llb.CopyInfo{
			Mode:                &sourceMode,
			CopyDirContentsOnly: true,
		}, llb.WithUser(g.user().name+":"+g.user().name)), opts...)
	}}
}
