package profile

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"github.com/rtbuild/rtbuild/internal/options"
	"github.com/rtbuild/rtbuild/internal/profile/manifests"
	"github.com/rtbuild/rtbuild/internal/projectfile"
	"github.com/rtbuild/rtbuild/internal/runtimefile"
)

// compileLock is the command that makes a requirements.txt with hashes, for all interpreters, from another file.
const compileLock = "uv pip compile --universal --generate-hashes -o requirements.txt "

// pythonLayouts are files of Python projects that say what they depend on, but not in which versions, and the command that makes a lock file
// of each. Of conda's, {name} is the name of the environment. The first that is there decides.
var pythonLayouts = []struct{ file, command string }{
	{"Pipfile.lock", "pipenv requirements --hash > requirements.txt"},
	{"Pipfile", "pipenv lock && pipenv requirements --hash > requirements.txt"},
	{"requirements.in", compileLock + "requirements.in"},
	{"setup.py", compileLock + "setup.py"},
	{"setup.cfg", compileLock + "setup.cfg"},
	{"environment.yml", condaLock},
	{"environment.yaml", condaLock},
}

// condaLock takes the versions from an environment that exists: conda's own lock files name no files of an index.
const condaLock = "conda run -n {name} python -m pip list --format=freeze > requirements.txt"

// noPythonLock returns the error for a Python project without a lock file, with the one command that makes one; or nil if the files do not say
// that it is a Python project.
func noPythonLock(fsys fs.FS) error {
	root, err := manifests.ReadPythonProject(fsys, ".")
	if err != nil {
		return err
	}
	var found []string
	command := ""
	if root != nil && root.Name() != "" {
		found, command = []string{manifests.PyprojectTOML}, root.LockCommand()
	}
	for _, layout := range pythonLayouts {
		if projectfile.Exists(fsys, layout.file) {
			found = append(found, layout.file)
			if command == "" {
				command = strings.ReplaceAll(layout.command, "{name}", condaName(fsys, layout.file))
			}
		}
	}
	if command == "" {
		return nil
	}
	return fmt.Errorf("the Python project has no lock file that rtbuild installs from: found %s: write one with: %s", strings.Join(found, " and "), command)
}

var condaNameForm = regexp.MustCompile(`(?m)^name:[ \t]*([A-Za-z0-9._-]+)`)

// condaName returns the name of the environment that conda's file describes.
func condaName(fsys fs.FS, file string) string {
	data, _ := projectfile.ReadOptional(fsys, file) // without a name, the user fills it in
	if m := condaNameForm.FindSubmatch(data); m != nil {
		return string(m[1])
	}
	return "ENVIRONMENT"
}

// isPythonProject reports whether pyproject.toml names a project, so that a lock file of another language is likely that of a part of it.
func isPythonProject(fsys fs.FS) (bool, error) {
	root, err := manifests.ReadPythonProject(fsys, ".")
	return root != nil && root.Name() != "", err
}

// startsNode reports whether package.json says how the project starts.
func startsNode(fsys fs.FS) (bool, error) {
	command, err := manifests.NPMCommand(fsys, func(file string) bool { return fs.ValidPath(file) && projectfile.Exists(fsys, file) })
	return command != nil, err
}

// withoutWebPart returns the profiles that fit, without node if its files are only a part of a Python project: pyproject.toml names a project,
// and package.json does not say how to start one. The result is empty if the Python project has no lock file.
func withoutWebPart(fsys fs.FS, fitting []definition) ([]definition, error) {
	isNode := func(d definition) bool { return d.defaults.Profile == "node" }
	if !slices.ContainsFunc(fitting, isNode) {
		return fitting, nil
	}
	python, err := isPythonProject(fsys)
	if err != nil || !python {
		return fitting, err
	}
	starts, err := startsNode(fsys)
	if err != nil {
		return nil, err
	}
	if !starts {
		return slices.DeleteFunc(slices.Clone(fitting), isNode), nil
	}
	if len(fitting) == 1 { // and the Python project has no lock file
		return append(slices.Clone(fitting), definitionOf("python")), nil
	}
	return fitting, nil
}

// whichProfile returns the question which of several profiles a project has.
func whichProfile(fsys fs.FS, found []definition, from options.Source) error {
	var files, lines, names []string
	for _, d := range found {
		names = append(names, d.defaults.Profile)
		has := manifests.PyprojectTOML
		if by := d.installable(fsys); len(by) > 0 {
			has = by[0].Files[len(by[0].Files)-1]
		}
		files = append(files, has)
		lines = append(lines, "the line profile: "+d.defaults.Profile)
	}
	return &AmbiguousError{"profile", names, files, fmt.Sprintf("the project has %s: write %s in %s, or give %s",
		strings.Join(files, " and "), strings.Join(lines, " or "), runtimefile.Name, from.Give(options.Profile))}
}
