package profile

import (
	"io/fs"
	"slices"

	"github.com/rtbuild/rtbuild/internal/profile/manifests"
	"github.com/rtbuild/rtbuild/internal/projectfile"
)

// npmFiles returns the further files that npm ci needs: unless the file lists its own lock files, the workspaces' manifests and what the
// lock file names by path; and npm's settings, unless they hold a secret.
func npmFiles(fsys fs.FS, given Dependencies) ([]string, error) {
	var files []string
	node := definitionOf("node")
	for _, by := range append([]Dependencies{node.defaults.Dependencies}, node.others...) {
		if !slices.Equal(given.Files, by.Files) {
			continue
		}
		workspaces, err := manifests.WorkspaceManifests(fsys)
		if err != nil {
			return nil, err
		}
		files = append(workspaces, manifests.NPMLocalFiles(fsys, by.Files[len(by.Files)-1])...)
	}
	settings, err := npmSettings(fsys)
	return append(files, settings...), err
}

// npmSettings returns the file of npm's settings, unless there is none or it holds a secret.
func npmSettings(fsys fs.FS) ([]string, error) {
	settings, err := projectfile.ReadOptional(fsys, manifests.NPMRC)
	if settings != nil && !manifests.NPMToken.Match(settings) {
		return []string{manifests.NPMRC}, err
	}
	return nil, err
}
