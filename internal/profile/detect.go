package profile

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// foreignLocks are the lock files of managers that no profile can install with yet, with what to do instead.
var foreignLocks = []struct{ file, message, hint string }{
	{"uv.lock", "pyproject.toml is missing", "name the project's root"},
	{"poetry.lock", "pyproject.toml is missing", "name the project's root"},
	{"Pipfile.lock", "the manager pipenv is not supported by profile python", "write a requirements.txt, by pipenv requirements > requirements.txt"},
	{"yarn.lock", "the manager yarn is not supported by profile node", "write a package-lock.json, by npm install --package-lock-only"},
	{"pnpm-lock.yaml", "the manager pnpm is not supported by profile node", "write a package-lock.json, by npm install --package-lock-only"},
	{"package.json", "package-lock.json is missing", "write it, by npm install --package-lock-only"},
}

// detect gives the profile of a project by its lock files.
func detect(fsys fs.FS) (builtin, error) {
	var found []builtin
	for _, b := range builtins {
		ok, err := b.fits(fsys)
		if err != nil {
			return builtin{}, err
		}
		if ok && b.project != "" {
			return b, nil // it names a very project
		}
		if ok {
			found = append(found, b)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return builtin{}, noProfile(fsys)
	}
	var names, locks []string
	for _, b := range found {
		names = append(names, b.defaults.Profile)
		locks = append(locks, b.locks...)
	}
	return builtin{}, fmt.Errorf("the project has %s, so its profile may be %s: say which by profile: in %s, or by --profile",
		strings.Join(locks, " and "), strings.Join(names, " or "), fileName)
}

// fits says whether the project has lock files of the profile and, if that matters, its name.
func (b builtin) fits(fsys fs.FS) (bool, error) {
	if len(b.installable(fsys)) == 0 {
		return false, nil
	}
	if b.project == "" {
		return true, nil
	}
	p, err := readPyproject(fsys)
	return p.name() == b.project, err
}

// installable are the dependencies whose lock files the project has.
func (b builtin) installable(fsys fs.FS) []Dependencies {
	has := func(files []string) bool {
		return !slices.ContainsFunc(files, func(file string) bool { return !exists(fsys, file) })
	}
	var all []Dependencies
	if has(b.locks) {
		all = append(all, b.defaults.Dependencies)
	}
	for _, d := range b.others {
		if has(d.Files) {
			all = append(all, d)
		}
	}
	return all
}

// completeManager takes the manager whose lock files there are, where the file names none.
func (b builtin) completeManager(fsys fs.FS, r *Runtime, doc *document) error {
	if doc.sets("dependencies") {
		return nil
	}
	switch found := b.installable(fsys); len(found) {
	case 0:
	case 1:
		r.Dependencies = found[0]
	default:
		var files, managers []string
		for _, d := range found {
			files = append(files, d.Files[len(d.Files)-1])
			managers = append(managers, d.Manager)
		}
		return fmt.Errorf("the project has %s: say which its dependencies are installed from, by dependencies: {manager: %s} in %s",
			strings.Join(files, " and "), strings.Join(managers, "} or {manager: "), fileName)
	}
	return nil
}

// noProfile is the error for a project that has none of the lock files.
func noProfile(fsys fs.FS) error {
	for _, lock := range foreignLocks {
		if exists(fsys, lock.file) {
			return fmt.Errorf("no profile fits the project: found %s, but %s: %s", lock.file, lock.message, lock.hint)
		}
	}
	var looked []string
	for _, b := range builtins {
		text := strings.Join(b.locks, " with ")
		for _, d := range b.others {
			text += " or " + strings.Join(d.Files, " with ")
		}
		text += " (" + b.defaults.Profile
		if b.project != "" {
			text += ", of project " + b.project
		}
		looked = append(looked, text+")")
	}
	return fmt.Errorf("no profile fits the project: looked for %s: name the project's root, write one of these files, "+
		"or say profile: and dependencies: {manager: none} in %s", strings.Join(looked, ", "), fileName)
}

// exists reports whether there is anything at a path: what it is and whether it can be read is seen when it is read.
func exists(fsys fs.FS, name string) bool {
	_, err := fs.Stat(fsys, name)
	return !absent(err)
}
