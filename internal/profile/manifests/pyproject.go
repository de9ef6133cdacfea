package manifests

import (
	"bufio"
	"bytes"
	"cmp"
	"io/fs"
	"strings"

	"github.com/rtbuild/rtbuild/internal/projectfile"
)

// PyprojectTOML is the manifest of Python projects.
const PyprojectTOML = "pyproject.toml"

// pyproject holds the used fields of a pyproject.toml, in the standard's form and in Poetry's older one.
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

// readPyproject reads the project's pyproject.toml, which may be missing.
func readPyproject(fsys fs.FS) (pyproject, error) {
	data, err := projectfile.ReadOptional(fsys, PyprojectTOML)
	if err != nil {
		return pyproject{}, err
	}
	var p pyproject
	if err := unmarshalTOML(projectfile.Text{Name: PyprojectTOML, Data: data}, &p); err != nil {
		return pyproject{}, err
	}
	return p, nil
}

// PythonName returns the project's name, or "" if it has none.
func PythonName(fsys fs.FS) (string, error) {
	p, err := readPyproject(fsys)
	return p.name(), err
}

// PythonVersion returns the project's version, or "" if it has none.
func PythonVersion(fsys fs.FS) (string, error) {
	p, err := readPyproject(fsys)
	return p.version(), err
}

// OriginalManifests are the files in which OpenHands looks for its version.
var OriginalManifests = []string{PyprojectTOML, "openhands/" + PyprojectTOML}

// OriginalVersion returns the version as OpenHands reads it: from the first line that begins with "version =" in the project's
// pyproject.toml or else in the package's. It is the rest of the line without blanks and quotes.
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

// LockCommand returns the command that makes the project's lock file, by the manager whose settings the manifest has. It is uv's if there are
// none.
func (p *PythonProject) LockCommand() string {
	backend := p.file.table("build-system").text("build-backend")
	tool := p.file.table("tool")
	switch {
	case tool["uv"] != nil:
		return "uv lock"
	case tool["poetry"] != nil || strings.HasPrefix(backend, "poetry"):
		return "poetry lock"
	case tool["pdm"] != nil || strings.HasPrefix(backend, "pdm."):
		return "pdm lock"
	}
	return "uv lock"
}

// RequiredUV returns the versions of uv that the project accepts, or "".
func (p *PythonProject) RequiredUV() string {
	return strings.TrimSpace(p.file.table("tool", "uv").text("required-version"))
}

// RequiredUVFault returns an error at the line of [PythonProject.RequiredUV].
func (p *PythonProject) RequiredUVFault(hint, format string, args ...any) error {
	return p.errorAt("required-version", hint, format, args...)
}
