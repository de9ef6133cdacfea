package imagebuild

import (
	"github.com/moby/buildkit/client/llb"
)

// LockFiles returns the lock files as plain files, with links resolved. stateOf returns the state that holds a file.
//
// Client and frontend both call it, even if the state holds nothing else. To BuildKit's cache, a directory that a user sent differs from
// equal files that the builder copied. Without the copy, the same runtime would have two cache keys. For the same reason each file is
// copied by an operation of its own: its cache key does not depend on other files of the state.
func LockFiles(files []string, stateOf func(file string) llb.State) llb.State {
	all := llb.Scratch()
	for _, file := range files {
		all = all.File(llb.Copy(stateOf(file), file, "/"+file, &llb.CopyInfo{
			FollowSymlinks: true, CreateDestPath: true, Mode: &llb.ChmodOpt{Mode: 0o644},
		}), llb.WithCustomName("[deps] take "+file))
	}
	return all
}
