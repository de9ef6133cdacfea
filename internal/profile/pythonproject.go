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
	if !d.projects || r.file().Project == runtimefile.ProjectNone || r.Dependencies.Manager == "none" {
		return nil
	}
	root, err := manifests.ReadPythonProject(fsys, ".")
	if err != nil {
		return err
	}
	r.provenance.root = root
	install := root != nil && r.managerInstalls(root)
	if r.file().Project == runtimefile.ProjectEditable {
		if root == nil || root.Name() == "" {
			return r.file().FieldErrorf("project", "name it there, or leave project out", "pyproject.toml names no project to install")
		}
		install = true
	}
	if install {
		if err := r.addProject(root); err != nil {
			return err
		}
	}
	return r.addLocalProjects(fsys)
}

// addLocalProjects adds the further projects that the lock file names by their paths.
func (r *Runtime) addLocalProjects(fsys fs.FS) error {
	if r.Dependencies.Manager != "uv" {
		return nil
	}
	local, err := manifests.UVLocalProjects(fsys, r.provenance.root)
	if err != nil {
		return err
	}
	for _, dir := range local.Dirs {
		p, err := manifests.ReadPythonProject(fsys, dir)
		if err != nil {
			return err
		}
		if p == nil || p.Name() == "" {
			return r.file().FieldErrorf("project", "write project: none", "the project in %s has no pyproject.toml with its name, so rtbuild cannot install it", dir)
		}
		if err := r.addProject(p); err != nil {
			return err
		}
	}
	if len(local.Archives) > 0 {
		r.addLockFiles(local.Archives...)
		r.provenance.uv = llb.UVSync{Archives: true, LeftOut: local.Names}
	}
	return nil
}

// addLockFiles adds files to those that the dependencies are made from, each once.
func (r *Runtime) addLockFiles(files ...string) {
	for _, file := range files {
		if !slices.Contains(r.Dependencies.Files, file) {
			r.Dependencies.Files = append(slices.Clip(r.Dependencies.Files), file)
		}
	}
}

// managerInstalls reports whether the package manager itself installs the project at the root.
func (r *Runtime) managerInstalls(root *manifests.PythonProject) bool {
	switch r.Dependencies.Manager {
	case "uv":
		return root.InstalledByUV()
	case "poetry":
		return root.InstalledByPoetry()
	}
	return false
}

// addProject adds a project to those that are installed.
func (r *Runtime) addProject(p *manifests.PythonProject) error {
	d, err := p.Distribution(r.provenance.version)
	if err != nil {
		return err
	}
	if err := r.checkProject(p, d); err != nil {
		return err
	}
	r.Project = append(r.Project, d)
	r.addLockFiles(path.Join(d.Dir, manifests.PyprojectTOML))
	if p.UnknownVersion(r.provenance.version) {
		r.provenance.notes = append(r.provenance.notes, fmt.Sprintf("only the build backend of %s knows its version, so it is installed as %s: "+
			"write version: in %s", d.Name, d.Version, runtimefile.Name))
	}
	return nil
}

// checkProject returns an error for a project that has the name or a script of another one.
func (r *Runtime) checkProject(p *manifests.PythonProject, d llb.Distribution) error {
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
	return nil
}

// projectCommand returns what starts the Python project at the root: its only script, or else its module that is a program. It returns nil
// if it has neither, or if the image could not find the module.
func (r *Runtime) projectCommand() []string {
	root := r.provenance.root
	if root == nil || root.Name() == "" {
		return nil
	}
	importable := []string{"."} // the working directory
	if r.Workdir != "" && r.Workdir != r.Code() {
		importable = nil
	}
	if len(r.Project) > 0 && r.Project[0].Dir == "." {
		if scripts := r.Scripts(); len(scripts) == 1 {
			return scripts
		}
		importable = r.Project[0].Roots
	}
	if module := root.MainModule(importable); module != "" {
		return []string{"python", "-m", module}
	}
	return nil
}

// Scripts returns the names of the programs that the Python project at the root has, sorted, if it is installed.
func (r *Runtime) Scripts() []string {
	if len(r.Project) == 0 || r.Project[0].Dir != "." {
		return nil
	}
	return slices.Sorted(maps.Keys(r.Project[0].EntryPoints[llb.ConsoleScripts]))
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
