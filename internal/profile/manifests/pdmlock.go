package manifests

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/rtbuild/rtbuild/internal/projectfile"
	"github.com/rtbuild/rtbuild/llb"
)

// The lock files of PDM and of PyPA's "pylock.toml Specification".
const (
	PDMLock = "pdm.lock"
	Pylock  = "pylock.toml"
)

// PDMDefault is PDM's group of the project's own dependencies.
const PDMDefault = "default"

// InstalledByPDM reports whether PDM installs the project itself: unless it is no distribution.
func (p *PythonProject) InstalledByPDM() bool {
	settings := p.file.table("tool", "pdm")
	if kind := settings.text("package-type"); kind != "" {
		return kind == "library" && p.Name() != ""
	}
	return settings["distribution"] != false && p.Name() != ""
}

// PDMLocalProjects returns what pdm.lock takes from paths of the context for some groups. A path outside of the context is an
// [*projectfile.Error].
func PDMLocalProjects(fsys fs.FS, groups []string) (LocalProjects, error) {
	file, text, err := readTOML(fsys, PDMLock, projectfile.LockLimit)
	var found LocalProjects
	for _, p := range file.tables("package") {
		chosen := slices.ContainsFunc(p.texts("groups"), func(group string) bool { return slices.Contains(groups, group) })
		if name := p.text("path"); name != "" && chosen {
			if err := found.add(text, `path = "`+name+`"`, name, archiveForm(name), p.text("name")); err != nil {
				return found, err
			}
		}
	}
	return found, err
}

// PylockLocalProjects returns what pylock.toml takes from paths of the context. A path outside of the context is an [*projectfile.Error].
func PylockLocalProjects(fsys fs.FS) (LocalProjects, error) {
	file, text, err := readTOML(fsys, Pylock, projectfile.LockLimit)
	var found LocalProjects
	for _, p := range file.tables("packages") {
		for kind, archive := range map[string]bool{"directory": false, "archive": true} {
			if name := p.table(kind).text("path"); name != "" {
				if err := found.add(text, name, name, archive, p.text("name")); err != nil {
					return found, err
				}
			}
		}
	}
	return found, err
}

func archiveForm(name string) bool {
	return slices.ContainsFunc([]string{".whl", ".zip", ".tar.gz", ".tar.bz2", ".tar.xz"}, func(end string) bool { return strings.HasSuffix(name, end) })
}

// add adds a path of a lock file. setting is how the file writes it.
func (l *LocalProjects) add(lock projectfile.Text, setting, name string, archive bool, project string) error {
	switch clean := path.Clean(name); {
	case !fs.ValidPath(clean):
		return outside(lock, setting, name)
	case archive:
		l.Archives = append(l.Archives, clean)
	default:
		l.Dirs, l.Names = append(l.Dirs, clean), append(l.Names, project)
	}
	return nil
}

// CheckPDMLock returns a [*projectfile.Error] if pdm.lock was not made for the requirements of the project: PDM writes their hash into it. The
// rule is that of PDM 2.29 (pdm/project/project_file.py). A lock file without a hash, and a manifest that only PDM can hash, pass; so does a
// workspace, whose hash covers the manifests of its members.
func CheckPDMLock(fsys fs.FS, p *PythonProject) error {
	file, text, err := readTOML(fsys, PDMLock, projectfile.LockLimit)
	written, known := strings.CutPrefix(file.table("metadata").text("content_hash"), "sha256:")
	if err != nil || !known || p == nil || p.file.table("tool", "pdm")["workspace"] != nil {
		return err
	}
	if hash, err := p.pdmHash(); err != nil || hash == written {
		return nil
	}
	line := 1 + bytes.Count(text.Data[:max(0, bytes.Index(text.Data, []byte(written)))], []byte("\n"))
	return text.At(line, 1, "run pdm lock, and commit both", "%s does not agree with %s: what it requires has changed since", PDMLock, p.text.Name)
}

// pdmHash returns the content hash of the manifest. It is an error if it holds a value whose JSON only Python knows.
func (p *PythonProject) pdmHash() (string, error) {
	settings, groups := p.file.table("tool", "pdm"), table{}
	for _, from := range []table{p.file.table("dependency-groups"), settings.table("dev-dependencies")} {
		for name, value := range from {
			items, _ := value.([]any)
			before, _ := groups[llb.NormalName(name)].([]any)
			groups[llb.NormalName(name)] = append(slices.Clone(before), items...)
		}
	}
	var text strings.Builder
	err := pythonJSON(&text, table{
		"sources": orElse(settings["source"], []any{}), "resolution": orElse(settings["resolution"], table{}), "dev-dependencies": groups,
		"dependencies": orElse(p.standard["dependencies"], []any{}), "optional-dependencies": orElse(p.standard["optional-dependencies"], table{}),
		"requires-python": orElse(p.standard["requires-python"], ""),
	})
	sum := sha256.Sum256([]byte(text.String()))
	return hex.EncodeToString(sum[:]), err
}

// orElse returns a value, or another one for none.
func orElse(value, other any) any {
	if value == nil {
		return other
	}
	return value
}
