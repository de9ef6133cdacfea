package profile

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/rtbuild/rtbuild/internal/options"
	"github.com/rtbuild/rtbuild/internal/profile/manifests"
	"github.com/rtbuild/rtbuild/internal/projectfile"
	"github.com/rtbuild/rtbuild/internal/runtimefile"
)

// foreignLocks are lock files that no profile can install from, with what to do instead.
var foreignLocks = []struct{ file, message, hint string }{
	{"uv.lock", "pyproject.toml is missing", "name the project's root"},
	{manifests.PDMLock, "pyproject.toml is missing", "name the project's root"},
	{"poetry.lock", "pyproject.toml is missing", "name the project's root"},
	{"yarn.lock", "package.json is missing", "name the project's root"},
	{"pnpm-lock.yaml", "package.json is missing", "name the project's root"},
	{manifests.BunLock, "package.json is missing", "name the project's root"},
	{manifests.BunBinary, "only bun can read it", "write a bun.lock with: bun install --save-text-lockfile --lockfile-only"},
	{"package.json", "package-lock.json is missing", "write it with: npm install --package-lock-only"},
}

// detect returns the profile that fits a project's lock files.
func detect(fsys fs.FS, from options.Source) (definition, error) {
	var found []definition
	for _, d := range definitions {
		ok, err := d.fits(fsys)
		if err != nil {
			return definition{}, err
		}
		if ok && d.project != "" {
			return d, nil // the profile is for exactly this project
		}
		if ok {
			found = append(found, d)
		}
	}
	found, err := withoutWebPart(fsys, found)
	switch {
	case err != nil:
		return definition{}, err
	case len(found) == 1:
		return found[0], nil
	case len(found) == 0:
		return definition{}, &NoLockError{noProfile(fsys)}
	}
	return definition{}, whichProfile(fsys, found, from)
}

// AmbiguousError reports that a project fits several profiles, or has the lock files of several package managers.
type AmbiguousError struct {
	Field   string   // of runtime.yaml, which decides: "profile" or "dependencies"
	Choices []string // the profiles or the managers
	Files   []string // the lock file of each

	text string
}

// Error returns the question, and how to answer it.
func (e *AmbiguousError) Error() string { return e.text }

// NoLockError reports that a project has no lock file that a profile fits.
type NoLockError struct{ error }

// Unwrap returns the error that says what was found, and what to do.
func (e *NoLockError) Unwrap() error { return e.error }

// FindLock returns a lock file that some profile fits, or "" if a directory has none.
func FindLock(fsys fs.FS) string {
	for _, d := range definitions {
		if by := d.installable(fsys); len(by) > 0 && d.project == "" {
			return by[0].Files[len(by[0].Files)-1]
		}
	}
	return ""
}

// fits reports whether the project has lock files of the profile and its name, if the profile requires one.
func (d definition) fits(fsys fs.FS) (bool, error) {
	if len(d.installable(fsys)) == 0 {
		return false, nil
	}
	if d.project == "" {
		return true, nil
	}
	p, err := manifests.PythonName(fsys)
	return p == d.project, err
}

// installable returns the dependencies whose lock files the project has.
func (d definition) installable(fsys fs.FS) []Dependencies {
	has := func(files []string) bool {
		return !slices.ContainsFunc(files, func(file string) bool { return !projectfile.Exists(fsys, file) })
	}
	var all []Dependencies
	if has(d.locks) {
		all = append(all, d.defaults.Dependencies)
	}
	for _, by := range d.others {
		if has(by.Files) {
			all = append(all, by)
		}
	}
	return all
}

// completeManager selects the manager whose lock files the project has, if the file names no lock files. Of the lock files of one manager,
// it takes the last that the definition names.
func (d definition) completeManager(fsys fs.FS, r *Runtime, file *runtimefile.File) error {
	given := file.Dependencies
	if given.Files != nil {
		return nil
	}
	var found []Dependencies
	for _, by := range d.installable(fsys) {
		switch last := len(found) - 1; {
		case given.Manager != "" && by.Manager != given.Manager:
		case last >= 0 && found[last].Manager == by.Manager:
			found[last] = by
		default:
			found = append(found, by)
		}
	}
	found, err := askedFor(fsys, found)
	if err != nil {
		return err
	}
	switch len(found) {
	case 0:
		if given.Manager == "" && d.projects {
			if err := noPythonLock(fsys); err != nil {
				return &NoLockError{err}
			}
		}
	case 1:
		r.Dependencies.Manager, r.Dependencies.Files = found[0].Manager, found[0].Files
	default:
		var files, managers []string
		for _, d := range found {
			files = append(files, d.Files[len(d.Files)-1])
			managers = append(managers, d.Manager)
		}
		return &AmbiguousError{"dependencies", managers, files, fmt.Sprintf(
			"the project has %s: say which its dependencies are installed from, by dependencies: {manager: %s} in %s",
			strings.Join(files, " and "), strings.Join(managers, "} or {manager: "), runtimefile.Name)}
	}
	return nil
}

// askedFor returns the one of several managers that package.json names, or all if it names none of them.
func askedFor(fsys fs.FS, found []Dependencies) ([]Dependencies, error) {
	if len(found) < 2 {
		return found, nil
	}
	name, _, err := manifests.PackageManager(fsys)
	for _, by := range found {
		if by.Manager == name {
			return []Dependencies{by}, err
		}
	}
	return found, err
}

// noProfile returns the error for a project without any known lock files.
func noProfile(fsys fs.FS) error {
	if err := noPythonLock(fsys); err != nil {
		return err
	}
	for _, lock := range foreignLocks {
		if projectfile.Exists(fsys, lock.file) {
			return fmt.Errorf("no profile fits the project: found %s, but %s: %s", lock.file, lock.message, lock.hint)
		}
	}
	var looked []string
	for _, d := range definitions {
		text := strings.Join(d.locks, " with ")
		for _, by := range d.others {
			text += " or " + strings.Join(by.Files, " with ")
		}
		text += " (" + d.defaults.Profile
		if d.project != "" {
			text += ", of project " + d.project
		}
		looked = append(looked, text+")")
	}
	return fmt.Errorf("no profile fits the project: looked for %s: name the project's root, write one of these files, "+
		"or say profile: and dependencies: {manager: none} in %s", strings.Join(looked, ", "), runtimefile.Name)
}
