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
	files func(fs.FS) ([]string, error) // the further files that it needs

	// version returns the version that installs from the project's lock file. asked is the first number of the version that package.json
	// asks for, or "". The error says why it cannot read the lock file.
	version func(fsys fs.FS, asked string) (string, error)
}

// nodeManagers are the package managers by name.
var nodeManagers = map[string]nodeManager{
	"pnpm": {manifests.PNPMFiles, pnpmVersion},
	"yarn": {manifests.YarnFiles, yarnVersion},
	"bun":  {manifests.BunFiles, bunVersion},
}

// completeManagerVersion sets which version of a package manager installs. A tool of the file, package.json and the lock file decide.
func completeManagerVersion(fsys fs.FS, r *Runtime) error {
	m, known := nodeManagers[r.Dependencies.Manager]
	if !known {
		return nil
	}
	if own := r.ownVersion(r.Dependencies.Manager); own != "" {
		r.ManagerVersion, _, _ = strings.Cut(own, ".")
		return nil
	}
	name, version, err := manifests.PackageManager(fsys)
	if err != nil {
		return err
	}
	asked := ""
	if name == r.Dependencies.Manager {
		asked, _, _ = strings.Cut(version, ".")
	}
	if _, pinned := r.Release(name, asked); asked != "" && !pinned {
		return manifests.PackageManagerFault(fsys, fmt.Sprintf("name one of them, or set tools: [{name: %s, version: %s, sha256: {...}}]", name, version),
			"rtbuild has no pinned %s %s, only %s", name, version, strings.Join(pinnedVersions(name), ", "))
	}
	r.ManagerVersion, err = m.version(fsys, asked)
	return err
}

// ownVersion returns the version of a pinned download that the file's tools set, or "".
func (r *Runtime) ownVersion(name string) string {
	for _, own := range r.Tools {
		if own.Name == name && r.overrides(own) {
			return own.Version
		}
	}
	return ""
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

// pnpmVersion returns the version of pnpm for a lock file. Versions 9, 10 and 11 write the same, but 9 hashes patches in another way. Version
// 10 reads all settings that 9 and 11 know.
func pnpmVersion(fsys fs.FS, asked string) (string, error) {
	lock := manifests.ParsePNPMLock(readLock(fsys, manifests.PNPMLock))
	major, known := pnpmLockVersions[lock.Version]
	switch {
	case asked == "8" && lock.Version == "9.0":
		return "", projectfile.Text{Name: manifests.PNPMLock}.At(1, 0, "name pnpm 9 or newer there, or write the file with pnpm 8",
			"its lockfileVersion is 9.0, and packageManager in package.json names pnpm 8, which cannot read it")
	case asked != "" && known:
		return asked, nil
	case lock.OldPatches && major == "10":
		return "9", nil
	case known || lock.Version == "":
		return cmp.Or(major, "10"), nil // pnpm says what is wrong with a file without a version
	}
	return "", projectfile.Text{Name: manifests.PNPMLock}.At(1, 0, "write it with one of these, and say which by packageManager in package.json",
		"its lockfileVersion is %s, and rtbuild has pnpm %s", lock.Version, strings.Join(pinnedVersions("pnpm"), ", "))
}

// yarnLockVersions are the versions of yarn's lock file, and the version of yarn that installs from them. Each version of yarn would change
// a file of another version.
var yarnLockVersions = map[string]string{"": "1", "6": "3", "8": "4.13", "9": "4.14", "10": "4.18"}

// yarnVersion returns the version of yarn for a lock file.
func yarnVersion(fsys fs.FS, asked string) (string, error) {
	lock := manifests.ParseYarnLock(readLock(fsys, manifests.YarnLock))
	version, known := yarnLockVersions[lock.Version]
	text := projectfile.Text{Name: manifests.YarnLock}
	if !known {
		return "", text.At(1, 0, "write it with one of these", "its version is %s, and rtbuild has yarn %s", lock.Version, strings.Join(pinnedVersions("yarn"), ", "))
	}
	if major, _, _ := strings.Cut(version, "."); asked != "" && asked != major {
		return "", text.At(1, 0, "write it with: yarn install", "yarn %s wrote it, and packageManager in package.json names yarn %s", major, asked)
	}
	return version, nil
}

// bunVersion returns the version of bun. The newest reads the lock files of all versions that write text.
func bunVersion(fsys fs.FS, _ string) (string, error) {
	lock := manifests.ParseBunLock(readLock(fsys, manifests.BunLock))
	if !slices.Contains([]string{"", "0", "1", "2"}, lock.Version) {
		return "", projectfile.Text{Name: manifests.BunLock}.At(1, 0, "write it with one of these",
			"its lockfileVersion is %s, and rtbuild has bun %s", lock.Version, strings.Join(pinnedVersions("bun"), ", "))
	}
	return "1", nil
}

// readLock returns a lock file, or nothing if it cannot be read: whoever hashes it reports that.
func readLock(fsys fs.FS, name string) []byte {
	data, _ := projectfile.ReadFile(fsys, name, projectfile.LockLimit)
	return data
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
