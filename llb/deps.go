package llb

import (
	"github.com/moby/buildkit/client/llb"
)

// deps is the stage of locked dependencies. It sees the lock files and never the source, so that a deps image serves
// every source over it.
func (g *Graph) deps() (Layers, error) {
	if g.openhands() {
		return g.openhandsDeps(), nil
	}
	switch manager := g.Runtime.Dependencies.Manager; manager {
	case "npm":
		return Layers{g.copyLockFiles(), g.npm()}, nil
	case "pip":
		return Layers{g.copyLockFiles(), g.pip()}, nil
	case "poetry":
		return Layers{g.copyLockFiles(), g.poetry()}, nil
	case "uv":
		uv, err := g.uvSync()
		return Layers{g.copyLockFiles(), uv}, err
	case "none":
		return nil, nil
	default:
		return nil, Fault("dependencies", "dependencies cannot be installed by the manager %q", manager)
	}
}

func (g *Graph) openhandsDeps() Layers {
	layers := Layers{g.copyLockFiles(), g.openhandsPoetry()}
	if g.Runtime.Components["browser"] {
		layers = append(layers, g.browser())
	}
	return append(layers, g.shells())
}

// copyLockFiles puts the lock files where the source will put them again.
func (g *Graph) copyLockFiles() Layer {
	return Layer{Stage: "deps", Name: "copy lock files", Field: "dependencies", add: func(s, _ llb.State, opts ...llb.ConstraintsOpt) llb.State {
		return s.File(llb.Copy(g.lockFiles(), "/", g.Runtime.Code()+"/", &llb.CopyInfo{
			Mode:                &sourceMode,
			CopyDirContentsOnly: true,
		}, llb.WithUser(g.user().name+":"+g.user().name)), opts...)
	}}
}

// lockFiles are the lock files where their manager looks for them. OpenHands' may lie in its package's directory, but are
// installed from the project's root. Brackets stand in front because a pattern's first names must be there.
func (g *Graph) lockFiles() llb.State {
	if !g.openhands() {
		return g.LockFiles
	}
	any := &llb.CopyInfo{AllowWildcard: true, AllowEmptyWildcard: true}
	return llb.Scratch().File(llb.Copy(g.LockFiles, "/p*", "/", any).Copy(g.LockFiles, "/[o]penhands/p*", "/", any), named("deps", "take the lock files"))
}
