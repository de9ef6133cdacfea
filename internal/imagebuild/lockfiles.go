package imagebuild

import (
	"github.com/moby/buildkit/client/llb"
)

// LockFiles takes lock files out of what came of the project to the builder, each out of what holds it: plain files, whatever
// links led there.
//
// Whoever builds does it, also where nothing else has come: to BuildKit's cache a directory that came from a user is another
// one than the same files in a directory that was made in the builder, so that the steps on top of it would run again when the
// same runtime is built in another way. For the same reason each file is taken by an operation of its own: what else came along
// with it does not count.
func LockFiles(files []string, holding func(file string) llb.State) llb.State {
	all := llb.Scratch()
	for _, file := range files {
		all = all.File(llb.Copy(holding(file), file, "/"+file, &llb.CopyInfo{
			FollowSymlinks: true, CreateDestPath: true, Mode: &llb.ChmodOpt{Mode: 0o644},
		}), llb.WithCustomName("[deps] take "+file))
	}
	return all
}
