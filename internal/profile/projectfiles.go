package profile

import (
	"path"
	"slices"

	"github.com/rtbuild/rtbuild/internal/profile/manifests"
	"github.com/rtbuild/rtbuild/internal/runtimefile"
)

const dockerignore = ".dockerignore"

// Manifests returns the files that [Load] may read in any project, and the default lock files of its tags, relative to the context and
// sorted. Callers can prefetch these in one request; they name the others: workspaces, included requirements, dependencies.files.
func Manifests() []string {
	names := []string{runtimefile.Name, dockerignore, manifests.PackageJSON, manifests.NPMRC, manifests.PyprojectTOML, manifests.PythonVersionFile}
	names = slices.Concat(names, manifests.PNPMSettings, manifests.YarnSettings, manifests.BunSettings, manifests.NodeVersionFiles)
	names = append(names, manifests.OriginalManifests...)
	for _, d := range definitions {
		names = append(names, d.locks...)
		names = append(names, d.defaults.Dependencies.Files...)
		for _, by := range d.others {
			names = append(names, by.Files...)
		}
		for _, dir := range d.lookIn {
			for _, file := range d.defaults.Dependencies.Files {
				names = append(names, path.Join(dir, file))
			}
		}
	}
	for _, lock := range foreignLocks {
		names = append(names, lock.file)
	}
	for _, layout := range pythonLayouts {
		names = append(names, layout.file)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
