package profile

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/rtbuild/rtbuild/internal/profile/manifests"
	"github.com/rtbuild/rtbuild/internal/profile/releases"
	"github.com/rtbuild/rtbuild/internal/projectfile"
)

// nodeManager is what rtbuild knows of a package manager of Node.js beside npm.
type nodeManager struct {
	files func(fs.FS) ([]string, error)                // the further files that it needs
	major func(fs.FS) (version string, err error)      // the version that wrote the lock file, at least
	fits  func(fsys fs.FS, version string) (err error) // nil; or why a version cannot read the lock file
}

// nodeManagers are the package managers by name.
var nodeManagers = map[string]nodeManager{
	"pnpm": {files: manifests.PNPMFiles, major: pnpmMajor, fits: pnpmFits},
}

// completeManagerVersion sets which version of a package manager installs: the major version that package.json asks for, or the one that the
// lock file needs.
func completeManagerVersion(fsys fs.FS, r *Runtime) error {
	m, known := nodeManagers[r.Dependencies.Manager]
	if !known {
		return nil
	}
	name, version, err := manifests.PackageManager(fsys)
	if err != nil {
		return err
	}
	if name != r.Dependencies.Manager || version == "" {
		r.ManagerVersion, err = m.major(fsys)
		return err
	}
	r.ManagerVersion, _, _ = strings.Cut(version, ".")
	if _, pinned := r.Release(name, r.ManagerVersion); !pinned {
		return manifests.PackageManagerFault(fsys, fmt.Sprintf("name one of them, or set tools: [{name: %s, version: %s, sha256: {...}}]", name, version),
			"rtbuild has no pinned %s %s, only %s", name, version, strings.Join(pinnedVersions(name), ", "))
	}
	return m.fits(fsys, r.ManagerVersion)
}

// pinnedVersions returns the versions of a download, oldest first.
func pinnedVersions(name string) []string {
	var all []string
	for _, t := range releases.All() {
		if t.Name == name {
			all = append(all, t.Version)
		}
	}
	slices.Reverse(all)
	return all
}

// pnpmLockVersions are the versions of pnpm's lock file, and the version of pnpm that installs from them if package.json names none.
var pnpmLockVersions = map[string]string{"6.0": "8", "6.1": "8", "9.0": "10"}

// pnpmMajor returns the version of pnpm for a lock file. Versions 9, 10 and 11 write the same, but 9 hashes patches in another way. Version
// 10 reads all settings that 9 and 11 know.
func pnpmMajor(fsys fs.FS) (string, error) {
	lock := readPNPMLock(fsys)
	major, known := pnpmLockVersions[lock.Version]
	switch {
	case lock.OldPatches && major == "10":
		return "9", nil
	case known || lock.Version == "":
		return cmp.Or(major, "10"), nil // pnpm says what is wrong with a file without a version
	}
	return "", projectfile.Text{Name: manifests.PNPMLock}.At(1, 0, "write it with one of these, and say which by packageManager in package.json",
		"its lockfileVersion is %s, and rtbuild has pnpm %s", lock.Version, strings.Join(pinnedVersions("pnpm"), ", "))
}

// pnpmFits returns an error if a version of pnpm cannot read the lock file.
func pnpmFits(fsys fs.FS, version string) error {
	if lock := readPNPMLock(fsys); version == "8" && lock.Version == "9.0" {
		return projectfile.Text{Name: manifests.PNPMLock}.At(1, 0, "name pnpm 9 or newer there, or write the file with pnpm 8",
			"its lockfileVersion is 9.0, and packageManager in package.json names pnpm 8, which cannot read it")
	}
	return nil
}

func readPNPMLock(fsys fs.FS) manifests.PNPMLocked {
	data, _ := projectfile.ReadFile(fsys, manifests.PNPMLock, projectfile.LockLimit) // whoever hashes it reports that it cannot be read
	return manifests.ParsePNPMLock(data)
}

// nodeFiles returns the further files that a package manager needs, unless the file lists its own; and npm's settings.
func nodeFiles(fsys fs.FS, r *Runtime) ([]string, error) {
	given := r.Dependencies
	settings, err := npmSettings(fsys, r)
	if err != nil || !slices.Equal(given.Files, filesOf(given.Manager)) {
		return settings, err
	}
	files, err := nodeManagers[given.Manager].files(fsys)
	return append(files, settings...), err
}
