package manifests

import (
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/rtbuild/rtbuild/internal/projectfile"
	"github.com/rtbuild/rtbuild/llb"
)

// PythonProject is a Python project that a pyproject.toml describes: the standard's table "project", Poetry's older table, or both.
type PythonProject struct {
	fsys     fs.FS
	dir      string // relative to the context
	text     projectfile.Text
	file     table
	standard table // "project"
	poetry   table // "tool.poetry"
}

// ReadPythonProject reads the pyproject.toml in a directory of the context. It returns nil if there is none, and an [*projectfile.Error] if
// it is not valid TOML.
func ReadPythonProject(fsys fs.FS, dir string) (*PythonProject, error) {
	name := path.Join(dir, PyprojectTOML)
	file, text, err := readTOML(fsys, name, projectfile.ManifestLimit)
	if err != nil || file == nil {
		return nil, err
	}
	return &PythonProject{fsys, path.Clean(dir), text, file, file.table("project"), file.table("tool", "poetry")}, nil
}

// Name returns the project's name, or "" if it has none.
func (p *PythonProject) Name() string { return cmp.Or(p.standard.text("name"), p.poetry.text("name")) }

// InstalledByUV reports whether uv installs the project itself: it has a build backend, unless tool.uv.package says otherwise.
func (p *PythonProject) InstalledByUV() bool {
	if said, ok := p.file.table("tool", "uv")["package"].(bool); ok {
		return said && p.Name() != ""
	}
	return p.file["build-system"] != nil && p.Name() != ""
}

// InstalledByPoetry reports whether Poetry installs the project itself: unless it turns the package mode off.
func (p *PythonProject) InstalledByPoetry() bool {
	return p.poetry["package-mode"] != false && p.Name() != ""
}

// noVersion is the version of a project whose backend computes it, if the user names none.
const noVersion = "0.0.0"

// The forms of names and versions that installers accept; see PyPA's "Names and normalization" and "Version specifiers".
var (
	nameForm    = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$`)
	versionForm = regexp.MustCompile(`^v?[0-9][A-Za-z0-9.!+_-]*$`)
)

// version returns the project's version. If only its build backend knows it, the version is the given one.
func (p *PythonProject) version(given string) string {
	own := cmp.Or(p.standard.text("version"), p.poetry.text("version"))
	if own == "" && versionForm.MatchString(given) {
		return given
	}
	return cmp.Or(own, noVersion)
}

// Distribution returns what is installed of the project. version is the version of a project whose manifest has none. An entry point that
// no installer accepts is an [*projectfile.Error].
func (p *PythonProject) Distribution(version string) (llb.Distribution, error) {
	d := llb.Distribution{Name: p.Name(), Version: p.version(version), Dir: p.dir}
	points, err := p.entryPoints()
	switch {
	case err != nil:
		return d, err
	case !nameForm.MatchString(d.Name):
		return d, p.errorAt("name", "use letters, digits, ., - and _", "%q is not valid as the name of a Python project", d.Name)
	case !versionForm.MatchString(d.Version):
		return d, p.errorAt("version", "write it as 1.2.3", "%q is not valid as the version of a Python project", d.Version)
	}
	d.EntryPoints = points
	d.Metadata = p.metadata(d.Version)
	d.Roots = p.roots(points)
	return d, nil
}

var blanks = regexp.MustCompile(`\s+`)

// metadata returns the text of METADATA, in the format of PyPA's "Core metadata specifications". It omits the long description, which is in
// another file, and dependencies in Poetry's own table, which have a syntax of their own.
func (p *PythonProject) metadata(version string) string {
	var lines []string
	add := func(field, value string) {
		if value = strings.TrimSpace(blanks.ReplaceAllString(value, " ")); value != "" {
			lines = append(lines, field+": "+value+"\n")
		}
	}
	add("Metadata-Version", "2.1")
	add("Name", p.Name())
	add("Version", version)
	add("Summary", cmp.Or(p.standard.text("description"), p.poetry.text("description")))
	add("Requires-Python", p.standard.text("requires-python"))
	for _, requirement := range p.standard.texts("dependencies") {
		add("Requires-Dist", requirement)
	}
	extras := p.standard.table("optional-dependencies")
	for _, extra := range slices.Sorted(maps.Keys(extras)) {
		add("Provides-Extra", llb.NormalName(extra))
		for _, requirement := range extras.texts(extra) {
			add("Requires-Dist", ofExtra(requirement, llb.NormalName(extra)))
		}
	}
	return strings.Join(lines, "")
}

// ofExtra returns a requirement that holds only for an extra.
func ofExtra(requirement, extra string) string {
	what, marker, marked := strings.Cut(requirement, ";")
	if !marked {
		return fmt.Sprintf("%s ; extra == '%s'", what, extra)
	}
	return fmt.Sprintf("%s ; (%s) and extra == '%s'", strings.TrimSpace(what), strings.TrimSpace(marker), extra)
}

// entryPoints returns the entry points by group and name.
func (p *PythonProject) entryPoints() (map[string]map[string]string, error) {
	groups := map[string]table{
		llb.ConsoleScripts: p.standard.table("scripts"),
		llb.GUIScripts:     p.standard.table("gui-scripts"),
	}
	if len(groups[llb.ConsoleScripts]) == 0 {
		groups[llb.ConsoleScripts] = p.poetryScripts()
	}
	for _, more := range []table{p.poetry.table("plugins"), p.standard.table("entry-points")} {
		for group := range more {
			if groups[group] == nil {
				groups[group] = more.table(group)
			}
		}
	}
	all := map[string]map[string]string{}
	for group, points := range groups {
		for _, name := range slices.Sorted(maps.Keys(points)) {
			target := strings.TrimSpace(points.text(name))
			if err := p.checkEntryPoint(group, name, target); err != nil {
				return nil, err
			}
			if all[group] == nil {
				all[group] = map[string]string{}
			}
			all[group][name] = target
		}
	}
	return all, nil
}

// poetryScripts returns the scripts in Poetry's own table. It omits those that are files.
func (p *PythonProject) poetryScripts() table {
	scripts := table{}
	for name, value := range p.poetry.table("scripts") {
		if object, ok := value.(table); ok {
			if object["type"] == "file" {
				continue
			}
			value = cmp.Or(object.text("reference"), object.text("callable"))
		}
		scripts[name] = value
	}
	return scripts
}

// The forms of PyPA's "Entry points specification".
var (
	functionForm = regexp.MustCompile(`^[\pL_][\pL\pN_]*(\.[\pL_][\pL\pN_]*)*\s*:\s*[\pL_][\pL\pN_]*(\.[\pL_][\pL\pN_]*)*\s*(\[[^\]\n]*\])?$`)
	programForm  = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)
)

// checkEntryPoint returns an error for a script that cannot be made, and for a text that would make an invalid file.
func (p *PythonProject) checkEntryPoint(group, name, target string) error {
	script := group == llb.ConsoleScripts || group == llb.GUIScripts
	switch {
	case script && !functionForm.MatchString(target):
		return p.errorAt(name, `write "MODULE:FUNCTION", or project: none in runtime.yaml`, "the script %q names no function of a module: %q", name, target)
	case script && !programForm.MatchString(name), strings.ContainsAny(group+name+target, "\r\n"):
		return p.errorAt(name, "rename it, or write project: none in runtime.yaml", "%q cannot be the name of a script or an entry point", name)
	}
	return nil
}

// ScriptTwice returns the error for a script that another project has, too, whose directory is given.
func (p *PythonProject) ScriptTwice(name, dir string) error {
	return p.errorAt(name, "rename one of them, or write project: none in runtime.yaml", "the script %q is also in %s", name, path.Join(dir, PyprojectTOML))
}

// errorAt returns an error at the line that sets a key.
func (p *PythonProject) errorAt(key, hint, format string, args ...any) error {
	line := p.keyLine(key)
	return p.text.At(line, min(line, 1), hint, format, args...)
}

// keyLine returns the line that sets a key, from 1, or 0.
func (p *PythonProject) keyLine(key string) int {
	set := regexp.MustCompile(`^\s*["']?` + regexp.QuoteMeta(key) + `["']?\s*=`)
	return slices.IndexFunc(strings.Split(string(p.text.Data), "\n"), set.MatchString) + 1
}
