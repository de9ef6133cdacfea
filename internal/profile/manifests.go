package profile

import (
	"path"
	"slices"
)

const dockerignore = ".dockerignore"

// Manifests are the files, relative to the context and sorted, that Load may read or look for in any project, and the lock
// files that its tags are made from by default. Who must fetch files can fetch these at once; the rest is named by them:
// workspaces, included requirements, dependencies.files.
func Manifests() []string {
	names := []string{fileName, dockerignore, packageJSON, pyprojectTOML}
	names = append(names, originalManifests...)
	for _, b := range builtins {
		names = append(names, b.locks...)
		names = append(names, b.defaults.Dependencies.Files...)
		for _, d := range b.others {
			names = append(names, d.Files...)
		}
		for _, dir := range b.lookIn {
			for _, file := range b.defaults.Dependencies.Files {
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
