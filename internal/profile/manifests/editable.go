package manifests

import (
	"io/fs"
	"path"
	"regexp"
	"slices"

	"github.com/rtbuild/rtbuild/internal/projectfile"
	"github.com/rtbuild/rtbuild/llb"
)

// Editable are the projects of the context that requirements files install.
type Editable struct {
	Dirs  []string         // relative to the context
	Lines map[string][]int // the lines that name them, from 1, by requirements file
}

// editablePath is the form of a requirement that installs a directory, with the directory as its first group. Extras and quotes may follow.
var editablePath = regexp.MustCompile(`^(?:-e|--editable)(?:\s*=\s*|\s+)["']?([^"'\[\s:]+)(?:\[[^\]]*\])?["']?$`)

// editableDir returns the directory that a requirement installs, or "". pip takes it as relative to its working directory, also in an
// included file.
func editableDir(spec string) string {
	if m := editablePath.FindStringSubmatch(spec); m != nil && fs.ValidPath(path.Clean(m[1])) {
		return path.Clean(m[1])
	}
	return ""
}

// EditableRequirements returns what requirements files install from directories of the context. The files are those of [ReadRequirements].
func EditableRequirements(fsys fs.FS, files []string) (Editable, error) {
	var found Editable
	err := eachRequirement(fsys, files, func(t projectfile.Text, l logicalLine, spec string) error {
		dir := editableDir(spec)
		if dir == "" {
			return nil
		}
		if !slices.Contains(found.Dirs, dir) {
			found.Dirs = append(found.Dirs, dir)
		}
		if found.Lines == nil {
			found.Lines = map[string][]int{}
		}
		found.Lines[t.Name] = append(found.Lines[t.Name], l.number)
		return nil
	})
	return found, err
}

var requirementName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*`)

// CheckNotRequired returns an error if requirements files also install a package with the name of a project.
func CheckNotRequired(fsys fs.FS, files []string, name, dir string) error {
	return eachRequirement(fsys, files, func(t projectfile.Text, l logicalLine, spec string) error {
		if llb.NormalName(requirementName.FindString(spec)) != llb.NormalName(name) {
			return nil
		}
		return t.At(l.number, l.column, "remove one of them", "%s is also the project in %s, which is installed, too", name, dir)
	})
}

// eachRequirement calls f for each line of requirements files. It skips files that do not exist, as [ReadRequirements] does.
func eachRequirement(fsys fs.FS, files []string, f func(t projectfile.Text, l logicalLine, spec string) error) error {
	for _, name := range files {
		data, err := projectfile.ReadFile(fsys, name, projectfile.LockLimit)
		if projectfile.Absent(err) {
			continue
		}
		if err != nil {
			return err
		}
		t := projectfile.Text{Name: name, Data: data}
		for _, line := range logicalLines(string(data)) {
			if err := f(t, line, specOf(line)); err != nil {
				return err
			}
		}
	}
	return nil
}
