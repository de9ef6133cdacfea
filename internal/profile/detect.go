package profile

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// foreignLocks are the lock files of managers that no profile can install with yet, with what to do instead.
var foreignLocks = []struct{ file, message, hint string }{
	{"uv.lock", poetryAndUV, "write a requirements.txt, by uv export --format requirements-txt -o requirements.txt"},
	{"poetry.lock", poetryAndUV, "write a requirements.txt, by poetry export -o requirements.txt"},
	{"Pipfile.lock", "the manager pipenv is not supported by profile python", "write a requirements.txt, by pipenv requirements > requirements.txt"},
	{"yarn.lock", "the manager yarn is not supported by profile node", "write a package-lock.json, by npm install --package-lock-only"},
	{"pnpm-lock.yaml", "the manager pnpm is not supported by profile node", "write a package-lock.json, by npm install --package-lock-only"},
	{"package.json", "package-lock.json is missing", "write it, by npm install --package-lock-only"},
}

const poetryAndUV = "the managers poetry and uv are not supported yet by profile python"

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

// fits says whether the project has the profile's lock files and, if that matters, its name.
func (b builtin) fits(fsys fs.FS) (bool, error) {
	if slices.ContainsFunc(b.locks, func(file string) bool { return !exists(fsys, file) }) {
		return false, nil
	}
	if b.project == "" {
		return true, nil
	}
	p, err := readPyproject(fsys)
	return p.name() == b.project, err
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
		text := strings.Join(b.locks, " with ") + " (" + b.defaults.Profile
		if b.project != "" {
			text += ", of project " + b.project
		}
		looked = append(looked, text+")")
	}
	return fmt.Errorf("no profile fits the project: looked for %s: name the project's root, write one of these files, "+
		"or say profile: and dependencies: {manager: none} in %s", strings.Join(looked, ", "), fileName)
}

func exists(fsys fs.FS, name string) bool {
	_, err := fs.Stat(fsys, name)
	return err == nil
}
