package manifests

import (
	"io/fs"
	"path"
	"slices"

	"github.com/rtbuild/rtbuild/internal/projectfile"
)

// poetryLockName is the name of Poetry's lock file.
const poetryLockName = "poetry.lock"

// PoetryLocalProjects returns the projects that Poetry's group main installs from directories of the context. A path outside of the context
// is an [*projectfile.Error].
func PoetryLocalProjects(fsys fs.FS) (LocalProjects, error) {
	file, text, err := readTOML(fsys, poetryLockName, projectfile.LockLimit)
	if err != nil {
		return LocalProjects{}, err
	}
	var found LocalProjects
	for _, p := range file.tables("package") {
		source := p.table("source")
		if source.text("type") != "directory" || !inMain(p) {
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

// inMain reports whether a package may be in the group main. Lock files say it since version 2.1, and before 2.0 by a category.
func inMain(p table) bool {
	groups := p.texts("groups")
	return p["optional"] != true && p["category"] != "dev" && (len(groups) == 0 || slices.Contains(groups, "main"))
}
