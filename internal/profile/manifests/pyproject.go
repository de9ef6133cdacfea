package manifests

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"io/fs"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/rtbuild/rtbuild/internal/projectfile"
)

// PyprojectTOML is the manifest of Python projects.
const PyprojectTOML = "pyproject.toml"

// pyproject is what matters of a pyproject.toml, in the standard's form and in Poetry's older one.
type pyproject struct {
	Project pyprojectNames `toml:"project"`
	Tool    struct {
		Poetry pyprojectNames `toml:"poetry"`
	} `toml:"tool"`
}

type pyprojectNames struct {
	Name    string `toml:"name"`
	Version string `toml:"version"`
}

func (p pyproject) name() string    { return cmp.Or(p.Project.Name, p.Tool.Poetry.Name) }
func (p pyproject) version() string { return cmp.Or(p.Project.Version, p.Tool.Poetry.Version) }

// readPyproject reads the project's pyproject.toml, which need not be there.
func readPyproject(fsys fs.FS) (pyproject, error) {
	data, err := projectfile.ReadOptional(fsys, PyprojectTOML)
	if err != nil {
		return pyproject{}, err
	}
	var p pyproject
	var fault *toml.DecodeError
	if err = toml.Unmarshal(data, &p); errors.As(err, &fault) {
		line, column := fault.Position()
		message := strings.TrimPrefix(fault.Error(), "toml: ")
		return pyproject{}, projectfile.Text{Name: PyprojectTOML, Data: data}.At(line, column, "", "not valid TOML: %s", message)
	}
	return p, err
}

// PythonName is the project's name, empty if it has none.
func PythonName(fsys fs.FS) (string, error) {
	p, err := readPyproject(fsys)
	return p.name(), err
}

// PythonVersion is the project's version, empty if it has none.
func PythonVersion(fsys fs.FS) (string, error) {
	p, err := readPyproject(fsys)
	return p.version(), err
}

// OriginalManifests are where OpenHands looks for its version.
var OriginalManifests = []string{PyprojectTOML, "openhands/" + PyprojectTOML}

// OriginalVersion is the version as OpenHands finds it: the first line that begins with "version =" in the project's
// pyproject.toml or else in the package's. The text behind it is taken as it is, less blanks and quotes.
func OriginalVersion(fsys fs.FS) (string, error) {
	for _, name := range OriginalManifests {
		data, err := projectfile.ReadOptional(fsys, name)
		if err != nil {
			return "", err
		}
		lines := bufio.NewScanner(bytes.NewReader(data))
		for lines.Scan() {
			if value, ok := strings.CutPrefix(strings.TrimSpace(lines.Text()), "version ="); ok {
				return strings.Trim(strings.Trim(strings.TrimSpace(value), `"`), `'`), nil
			}
		}
	}
	return "", nil
}
