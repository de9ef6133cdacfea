package manifests

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/rtbuild/rtbuild/internal/projectfile"
)

// uvLockName is the name of uv's lock file.
const uvLockName = "uv.lock"

// LocalProjects are what a package manager installs from paths of the context.
type LocalProjects struct {
	Dirs     []string // of projects, relative to the context; of uv's, without the root if it is the first
	Names    []string // of these projects
	Archives []string // wheels and source distributions, relative to the context
}

// UVLock is a uv.lock.
type UVLock struct {
	text     projectfile.Text
	all      []table
	packages map[string][]table // by name; there are several if markers choose
	members  []string           // names of the workspace's members
	python   string             // the versions of Python that it is for
}

// ReadUVLock reads the project's uv.lock. If there is none, it is empty. The error is an [*projectfile.Error] if it is not valid TOML.
func ReadUVLock(fsys fs.FS) (*UVLock, error) {
	file, text, err := readTOML(fsys, uvLockName, projectfile.LockLimit)
	lock := &UVLock{text, file.tables("package"), map[string][]table{}, file.table("manifest").texts("members"), file.text("requires-python")}
	for _, p := range lock.all {
		lock.packages[p.text("name")] = append(lock.packages[p.text("name")], p)
	}
	return lock, err
}

// Member returns the name of the project in a directory of the context, or "" if the lock file has none there.
func (l *UVLock) Member(dir string) string { return l.at(dir).text("name") }

// LocalProjects returns what "uv sync" installs from paths of the context, in the order in which it is needed. It begins with a project: the
// one at the root, or a member of the workspace, as with --package. A path outside of the context is an [*projectfile.Error].
func (l *UVLock) LocalProjects(first *PythonProject, more Choice) (LocalProjects, error) {
	var found LocalProjects
	for _, p := range l.installed(l.wanted(first, more)) {
		if err := l.addLocal(p, first.dirOr("."), &found); err != nil {
			return found, err
		}
	}
	return found, nil
}

// wanted returns the requirements that uv begins with: a project with its default groups but dev, and what is chosen besides. A workspace whose
// root is no project has all members installed.
func (l *UVLock) wanted(first *PythonProject, more Choice) []table {
	var open []table
	if p := l.at(first.dirOr(".")); p != nil {
		var extras []any
		for _, name := range more.Extras {
			extras = append(extras, name)
		}
		open = append(open, table{"name": p["name"], "extra": extras})
		for _, group := range append(first.defaultGroups(p.table("dev-dependencies")), more.Groups...) {
			open = append(open, p.table("dev-dependencies").tables(group)...)
		}
	}
	if first != nil && first.Name() == "" {
		for _, name := range l.members {
			open = append(open, table{"name": name})
		}
	}
	return open
}

// DefaultGroups returns the groups of a project that uv installs by default, without dev.
func (l *UVLock) DefaultGroups(p *PythonProject) []string {
	return p.defaultGroups(l.at(p.dirOr(".")).table("dev-dependencies"))
}

// dirOr returns the project's directory, or another one if there is no project.
func (p *PythonProject) dirOr(other string) string {
	if p == nil {
		return other
	}
	return p.dir
}

// at returns the package that comes from a directory of the context, or nil.
func (l *UVLock) at(dir string) table {
	for _, p := range l.all {
		source := p.table("source")
		for _, kind := range []string{"editable", "virtual", "directory"} {
			if name, is := source[kind].(string); is && path.Clean(name) == dir {
				return p
			}
		}
	}
	return nil
}

// defaultGroups returns those of the groups that uv installs by default, without dev.
func (p *PythonProject) defaultGroups(groups table) []string {
	if p == nil {
		return nil
	}
	settings := p.file.table("tool", "uv")
	names := settings.texts("default-groups")
	if settings["default-groups"] == "all" {
		for name := range groups {
			names = append(names, name)
		}
		slices.Sort(names)
	}
	return slices.DeleteFunc(names, func(name string) bool { return name == "dev" })
}

// installed returns the packages of requirements and of what these require, each once. It takes all packages that some marker chooses.
func (l *UVLock) installed(open []table) []table {
	type part struct{ name, extra string }
	seen, taken := map[part]bool{}, map[string]bool{}
	var all []table
	for ; len(open) > 0; open = open[1:] {
		name := open[0].text("name")
		for _, extra := range append([]string{""}, open[0].texts("extra")...) {
			if seen[part{name, extra}] {
				continue
			}
			seen[part{name, extra}] = true
			for _, p := range l.packages[name] {
				if extra == "" {
					open = append(open, p.tables("dependencies")...)
				} else {
					open = append(open, p.table("optional-dependencies").tables(extra)...)
				}
			}
		}
		if !taken[name] {
			taken[name] = true
			all = append(all, l.packages[name]...)
		}
	}
	return all
}

// addLocal adds a package that comes from a path. The root is not added if it is the first.
func (l *UVLock) addLocal(p table, first string, to *LocalProjects) error {
	source := p.table("source")
	for _, kind := range []string{"editable", "directory", "path"} {
		name, is := source[kind].(string)
		clean := path.Clean(name)
		switch {
		case !is, kind != "path" && clean == "." && first == ".":
		case !fs.ValidPath(clean):
			return outside(l.text, kind+` = "`+name+`"`, name)
		case kind == "path":
			to.Archives = append(to.Archives, clean)
		default:
			to.Dirs, to.Names = append(to.Dirs, clean), append(to.Names, p.text("name"))
		}
	}
	return nil
}

// outside returns the error for a path that is not in the context. setting is how the lock file writes it.
func outside(lock projectfile.Text, setting, name string) error {
	line := slices.IndexFunc(strings.Split(string(lock.Data), "\n"), func(line string) bool { return strings.Contains(line, setting) }) + 1
	return lock.At(line, min(line, 1), "give a directory that holds both as the project, or copy it into the project", "the path %q is outside of the project", name)
}
