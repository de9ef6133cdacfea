package profile

import (
	"path"
	"slices"

	"github.com/rtbuild/rtbuild/internal/profile/manifests"
	"github.com/rtbuild/rtbuild/internal/runtimefile"
)

const dockerignore = ".dockerignore"

// Manifests are the files, relative to the context and sorted, that Load may read or look for in any project, and the lock
// files that its tags are made from by default. Callers can prefetch these in one request; they name the
// others: workspaces, included requirements, dependencies.files.
func Manifests() []string {
	names := []string{runtimefile.Name, dockerignore, manifests.PackageJSON, manifests.PyprojectTOML}
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
	slices.Sort(names)
	return slices.Compact(names)
}
