package profile

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"

	"github.com/rtbuild/rtbuild/internal/profile/manifests"
	"github.com/rtbuild/rtbuild/internal/runtimefile"
	"github.com/rtbuild/rtbuild/llb"
)

// completeProject decides which Python projects of the source are installed. Their manifests become lock files.
func (d definition) completeProject(fsys fs.FS, r *Runtime) error {
	if !d.projects || r.Dependencies.Manager == "none" {
		return nil
	}
	if err := r.completeMember(fsys); err != nil {
		return err
	}
	root, err := r.firstProject(fsys)
	if err != nil {
		return err
	}
	if err := r.completeExtras(root); err != nil {
		return err
	}
	if r.file().Project == runtimefile.ProjectNone {
		return r.leaveOutProjects(fsys, root)
	}
	r.provenance.root = root
	dirs, err := r.projectDirs(fsys)
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		p, err := manifests.ReadPythonProject(fsys, dir)
		if err != nil {
			return err
		}
		if p == nil || p.Name() == "" {
			return r.file().FieldErrorf("project", "write one, or write project: none", "the project in %s has no pyproject.toml with its name, so rtbuild cannot install it", dir)
		}
		if err := r.addProject(fsys, p); err != nil {
			return err
		}
	}
	return nil
}

// completeMember finds the member of uv's workspace that the project is. uv then begins with that, so its manifest becomes a lock file.
func (r *Runtime) completeMember(fsys fs.FS) error {
	if r.Dependencies.Manager != "uv" || r.Directory == "" {
		return nil
	}
	lock, err := manifests.ReadUVLock(fsys)
	if err != nil {
		return err
	}
	member, err := manifests.ReadPythonProject(fsys, r.Directory)
	if name := lock.Member(r.Directory); member != nil && name != "" {
		r.provenance.member, r.provenance.groups = name, lock.DefaultGroups(member)
		r.addLockFiles(path.Join(r.Directory, manifests.PyprojectTOML))
	}
	return err
}

// firstDir returns the directory of the project that the manager begins with.
func (r *Runtime) firstDir() string {
	if r.provenance.member != "" {
		return r.ownDir()
	}
	return "."
}

// firstProject returns the project that the manager begins with, or nil if there is none.
func (r *Runtime) firstProject(fsys fs.FS) (*manifests.PythonProject, error) {
	return manifests.ReadPythonProject(fsys, r.firstDir())
}

// leaveOutProjects keeps uv from installing projects of the source, but not archives.
func (r *Runtime) leaveOutProjects(fsys fs.FS, root *manifests.PythonProject) error {
	if r.Dependencies.Manager != "uv" {
		return nil
	}
	local, err := uvProjects(fsys, root, r.choice())
	r.provenance.installed, r.provenance.archives = local.Names, len(local.Archives) > 0
	return err
}

// projectDirs returns the directories of the projects that are installed: the first if the manager itself would install it, or if the user
// asks for it, and what the lock file names by paths. Poetry's own installer needs the source of the latter, so it installs what is among
// the files that the user lists.
func (r *Runtime) projectDirs(fsys fs.FS) ([]string, error) {
	var local manifests.LocalProjects
	var err error
	root := r.provenance.root
	install := r.file().Project == runtimefile.ProjectEditable
	switch r.Dependencies.Manager {
	case "uv":
		install = install || root != nil && root.InstalledByUV()
		local, err = uvProjects(fsys, root, r.choice())
	case "poetry":
		install = install || root != nil && root.InstalledByPoetry()
		if r.Dependencies.Installer != runtimefile.InstallerPoetry {
			local, err = manifests.PoetryLocalProjects(fsys, r.choice())
		}
	case "pdm":
		install = install || root != nil && root.InstalledByPDM()
		local, err = manifests.PDMLocalProjects(fsys, r.pdmGroups())
	case "pylock":
		local, err = manifests.PylockLocalProjects(fsys)
	case "pip":
		local.Dirs = r.provenance.editable.Dirs
	}
	r.provenance.installed, r.provenance.archives = local.Names, len(local.Archives) > 0
	r.addLockFiles(local.Archives...)
	if first := r.firstDir(); install || slices.Contains(local.Dirs, first) {
		others := slices.DeleteFunc(slices.Clone(local.Dirs), func(dir string) bool { return dir == first })
		return append([]string{first}, others...), err
	}
	return local.Dirs, err
}

func uvProjects(fsys fs.FS, root *manifests.PythonProject, more manifests.Choice) (manifests.LocalProjects, error) {
	lock, err := manifests.ReadUVLock(fsys)
	if err != nil {
		return manifests.LocalProjects{}, err
	}
	return lock.LocalProjects(root, more)
}

// addLockFiles adds files to those that the dependencies are made from, each once.
func (r *Runtime) addLockFiles(files ...string) {
	for _, file := range files {
		if !slices.Contains(r.Dependencies.Files, file) {
			r.Dependencies.Files = append(slices.Clip(r.Dependencies.Files), file)
		}
	}
}

// addProject adds a project to those that are installed.
func (r *Runtime) addProject(fsys fs.FS, p *manifests.PythonProject) error {
	d, err := p.Distribution(r.provenance.version)
	if err != nil {
		return err
	}
	if err := r.checkProject(fsys, p, d); err != nil {
		return err
	}
	r.Project = append(r.Project, d)
	r.addLockFiles(path.Join(d.Dir, manifests.PyprojectTOML))
	for _, lack := range p.Unknown(r.provenance.version) {
		r.provenance.notes = append(r.provenance.notes, fmt.Sprintf("%s is installed without its build backend, so %s", d.Name, lack))
	}
	return nil
}

// checkProject returns an error for a project that has the name or a script of another one, or the name of a requirement of pip. uv and
// Poetry themselves refuse such a dependency.
func (r *Runtime) checkProject(fsys fs.FS, p *manifests.PythonProject, d llb.Distribution) error {
	for _, other := range r.Project {
		if llb.NormalName(other.Name) == llb.NormalName(d.Name) {
			return r.file().FieldErrorf("project", "rename one of them, or write project: none", "the projects in %s and %s are both called %s", other.Dir, d.Dir, d.Name)
		}
		for _, name := range d.Programs() {
			if slices.Contains(other.Programs(), name) {
				return p.ScriptTwice(name, other.Dir)
			}
		}
	}
	if r.Dependencies.Manager == "pip" {
		return manifests.CheckNotRequired(fsys, r.provenance.requirements.Files, d.Name, d.Dir)
	}
	return nil
}

// projectCommand returns what starts the Python project: its only script, or else its module that is a program. It returns nil if it has
// neither, or if the image could not find the module.
func (r *Runtime) projectCommand() []string {
	if scripts := r.Scripts(); len(scripts) == 1 {
		return scripts
	}
	root := r.provenance.root
	if root == nil || root.Name() == "" || r.Directory != "" {
		return nil
	}
	importable := []string{"."} // the working directory
	if r.Workdir != "" && r.Workdir != r.Code() {
		importable = nil
	}
	if own := r.ownProject(); own != nil {
		importable = own.Roots
	}
	if module := root.MainModule(importable); module != "" {
		return []string{"python", "-m", module}
	}
	return nil
}

// ownProject returns the Python project in the project's directory, or nil if that is not installed.
func (r *Runtime) ownProject() *llb.Distribution {
	i := slices.IndexFunc(r.Project, func(d llb.Distribution) bool { return d.Dir == r.ownDir() })
	if i < 0 {
		return nil
	}
	return &r.Project[i]
}

// Scripts returns the names of the programs that the Python project has, sorted, if it is installed.
func (r *Runtime) Scripts() []string {
	own := r.ownProject()
	if own == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(own.EntryPoints[llb.ConsoleScripts]))
}

// importRoots returns the directories that modules of the installed projects are imported from, in the order of their projects.
func (r *Runtime) importRoots() []string {
	var all []string
	for _, d := range r.Project {
		all = append(all, d.Roots...)
	}
	return all
}

// Notes returns what the user should know about the dependencies when they are installed.
func (r *Runtime) Notes() []string { return r.provenance.notes }
