package manifests

import (
	"io/fs"
	"path"
	"slices"

	"github.com/rtbuild/rtbuild/internal/projectfile"
	"github.com/rtbuild/rtbuild/llb"
)

// poetryLockName is the name of Poetry's lock file.
const poetryLockName = "poetry.lock"

// PoetryLocalProjects returns the projects that Poetry installs from directories of the context: those of the group main, and what is chosen
// besides. A path outside of the context is an [*projectfile.Error].
func PoetryLocalProjects(fsys fs.FS, more Choice) (LocalProjects, error) {
	file, text, err := readTOML(fsys, poetryLockName, projectfile.LockLimit)
	if err != nil {
		return LocalProjects{}, err
	}
	var found LocalProjects
	for _, p := range file.tables("package") {
		source := p.table("source")
		if source.text("type") != "directory" || !inGroups(p, more.Groups) || p["optional"] == true && !inExtras(file.table("extras"), p.text("name"), more.Extras) {
			continue
		}
		dir := path.Clean(source.text("url"))
		if !fs.ValidPath(dir) {
			return found, outside(text, `url = "`+source.text("url")+`"`, source.text("url"))
		}
		found.Dirs, found.Names = append(found.Dirs, dir), append(found.Names, p.text("name"))
	}
	return found, nil
}

// inGroups reports whether a package may be in the group main or in one that is chosen. Lock files say it since version 2.1, and before 2.0
// by a category.
func inGroups(p table, chosen []string) bool {
	groups := p.texts("groups")
	return (p["category"] != "dev" || slices.Contains(chosen, "dev")) && (len(groups) == 0 || slices.Contains(groups, "main") ||
		slices.ContainsFunc(groups, func(group string) bool { return hasName(chosen, group) }))
}

// inExtras reports whether a chosen extra requires a package. The lock file has the requirements of each extra.
func inExtras(extras table, name string, chosen []string) bool {
	for extra := range extras {
		if hasName(chosen, extra) && slices.ContainsFunc(extras.texts(extra), func(requirement string) bool {
			return llb.NormalName(requirementName.FindString(requirement)) == llb.NormalName(name)
		}) {
			return true
		}
	}
	return false
}
