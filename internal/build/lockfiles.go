package build

import (
	"github.com/moby/buildkit/client/llb"
)

// LockFiles takes a project's lock files out of what came of it to the builder: plain files, whatever links led there.
//
// Whoever builds does it, also where nothing else has come: to BuildKit's cache a directory that came from a user is
// another one than the same files in a directory that was made in the builder, so that the steps on top of it would run
// again when the same runtime is built in another way.
func LockFiles(project llb.State, files []string) llb.State {
	if len(files) == 0 {
		return llb.Scratch()
	}
	plain := &llb.CopyInfo{FollowSymlinks: true, CreateDestPath: true, Mode: &llb.ChmodOpt{Mode: 0o644}}
	action := llb.Copy(project, files[0], "/"+files[0], plain)
	for _, file := range files[1:] {
		action = action.Copy(project, file, "/"+file, plain)
	}
	return llb.Scratch().File(action, llb.WithCustomName("[deps] take the lock files"))
}
