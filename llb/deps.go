package llb

import (
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"
)

// deps returns the layers of the locked dependencies. They depend on the lock files and never on the source, so one deps image serves every
// source with the same lock files.
func (g *Graph) deps() (Layers, error) {
	if err := g.checkBuildPackages(); err != nil {
		return nil, err
	}
	list := slices.Clone(g.Runtime.Deps)
	if g.Runtime.Installer != nil {
		list = append(list, lockFiles{}, g.Runtime.Installer)
	}
	return g.components(append(list, g.projects()...))
}

// projects returns the component that installs the Python projects of the source, if there are any.
func (g *Graph) projects() []Component {
	if len(g.Runtime.Project) == 0 {
		return nil
	}
	return []Component{pythonProjects(g.Runtime.Project)}
}

// lockFiles is the component that copies the lock files into the code directory. The source copies them there again.
type lockFiles struct{}

func (lockFiles) layers(g *Graph) (Layers, error) {
	return Layers{{Stage: StageDeps, Name: "copy lock files", Field: "dependencies", upper: func(layerInput) llb.State {
		copied := g.copiedLockFiles()
		return llb.Scratch().File(llb.Copy(copied, "/", "/", &llb.CopyInfo{CopyDirContentsOnly: true, CreatedTime: &partTime}), named(StageDeps, "copy lock files"))
	}}}, nil
}

// copiedLockFiles returns the lock files in the code directory, on scratch.
func (g *Graph) copiedLockFiles() llb.State {
	code := g.Runtime.Code()
	return g.emptyDir(code, g.Owner).File(llb.Copy(g.lockFiles(), "/", code+"/", &llb.CopyInfo{
		Mode: &sourceMode, CopyDirContentsOnly: true, CreatedTime: &partTime,
	}, llb.WithUIDGID(g.Owner.UID, g.Owner.GID)), named(StageDeps, "copy lock files"))
}

// lockFiles returns the lock files at the paths where the installer looks for them.
func (g *Graph) lockFiles() llb.State {
	if len(g.Runtime.LockFiles) == 0 {
		return g.LockFiles
	}
	var found *llb.FileAction
	for _, pattern := range g.Runtime.LockFiles {
		from, any := optionalPattern(pattern), &llb.CopyInfo{AllowWildcard: true, AllowEmptyWildcard: true}
		if found == nil {
			found = llb.Copy(g.LockFiles, from, "/", any)
			continue
		}
		found = found.Copy(g.LockFiles, from, "/", any)
	}
	return llb.Scratch().File(found, named(StageDeps, "take the lock files"))
}

// optionalPattern returns a path of the context as a pattern that may match nothing. BuildKit requires the path components before the first
// wildcard to exist. So a path whose first component has no wildcard gets brackets around its first letter.
func optionalPattern(name string) string {
	if first, _, more := strings.Cut(name, "/"); !more && strings.ContainsAny(first, "*?[") {
		return "/" + name
	}
	return "/[" + name[:1] + "]" + name[1:]
}
