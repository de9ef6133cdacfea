package profile

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"io/fs"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

const pyprojectTOML = "pyproject.toml"

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
	data, err := readOptional(fsys, pyprojectTOML)
	if err != nil {
		return pyproject{}, err
	}
	var p pyproject
	var fault *toml.DecodeError
	if err = toml.Unmarshal(data, &p); errors.As(err, &fault) {
		line, column := fault.Position()
		message := strings.TrimPrefix(fault.Error(), "toml: ")
		return pyproject{}, text{name: pyprojectTOML, data: data}.at(line, column, "", "not valid TOML: %s", message)
	}
	return p, err
}

// pythonVersion is the project's version, empty if it has none.
func pythonVersion(fsys fs.FS) (string, error) {
	p, err := readPyproject(fsys)
	return p.version(), err
}

// originalManifests are where OpenHands looks for its version.
var originalManifests = []string{pyprojectTOML, "openhands/" + pyprojectTOML}

// originalVersion is the version as OpenHands finds it: the first line that begins with "version =" in the project's
// pyproject.toml or else in the package's. The text behind it is taken as it is, less blanks and quotes.
func originalVersion(fsys fs.FS) (string, error) {
	for _, name := range originalManifests {
		data, err := readOptional(fsys, name)
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
