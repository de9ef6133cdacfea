package profile

import (
	"io/fs"
	"slices"

	"github.com/moby/patternmatcher"

	"github.com/rtbuild/rtbuild/internal/profile/manifests"
	"github.com/rtbuild/rtbuild/internal/projectfile"
)

// npmFiles returns the further files that npm ci needs: unless the file lists its own lock files, the workspaces' manifests and what the
// lock file names by path; npm's settings; and patches.
func npmFiles(fsys fs.FS, r *Runtime) ([]string, error) {
	var files []string
	node := definitionOf("node")
	for _, by := range append([]Dependencies{node.defaults.Dependencies}, node.others...) {
		if !slices.Equal(r.Dependencies.Files, by.Files) {
			continue
		}
		workspaces, err := manifests.WorkspaceManifests(fsys)
		if err != nil {
			return nil, err
		}
		files = append(workspaces, manifests.NPMLocalFiles(fsys, by.Files[len(by.Files)-1])...)
	}
	settings, err := npmSettings(fsys, r)
	if err != nil {
		return nil, err
	}
	patches, err := r.completePatches(fsys)
	return slices.Concat(files, settings, patches), err
}

// npmSettings returns the file of npm's settings, if the dependencies have it.
func npmSettings(fsys fs.FS, r *Runtime) ([]string, error) {
	takes, err := takesNPMRC(fsys, r)
	if takes {
		return []string{manifests.NPMRC}, nil
	}
	return nil, err
}

// completePatches sets PatchPackage, and returns the patches that it applies. As npm does, it takes every NODE_ENV but production for one
// with development dependencies.
func (r *Runtime) completePatches(fsys fs.FS) ([]string, error) {
	mode := r.Dependencies.Env["NODE_ENV"]
	patches, err := manifests.NPMPatches(fsys, mode != "" && mode != "production")
	if patches == nil || err != nil {
		return nil, err
	}
	if !patches.Installed {
		r.PatchPackage = PatchesNot
		return nil, nil
	}
	r.PatchPackage = PatchesApplied
	return patches.Files, nil
}

// takesNPMRC reports whether npm's settings are a file of the dependencies. Settings with a secret are an error, unless the user ignores
// the file: then its owner passes it as a secret.
func takesNPMRC(fsys fs.FS, r *Runtime) (bool, error) {
	settings, err := projectfile.ReadOptional(fsys, manifests.NPMRC)
	if settings == nil || err != nil {
		return false, err
	}
	if err := manifests.CheckNPMRC(settings); err != nil {
		if r.ignores(manifests.NPMRC) && !slices.Contains(r.Dependencies.Files, manifests.NPMRC) {
			return false, nil
		}
		return false, err
	}
	return true, nil
}

// ignores reports whether the user's own patterns leave a file out.
func (r *Runtime) ignores(file string) bool {
	matcher, err := patternmatcher.New(r.provenance.ignore)
	if err != nil {
		return false // the scan of the source reports the pattern
	}
	matches, err := matcher.MatchesOrParentMatches(file)
	return matches && err == nil
}
