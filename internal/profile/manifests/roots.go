package manifests

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/rtbuild/rtbuild/internal/projectfile"
	"github.com/rtbuild/rtbuild/llb"
)

// roots returns the directories that the project's modules are imported from, relative to the context. The build backend's settings say
// it, or else the place of a module. If neither does, they are the directory src, which the interpreter skips if there is none, and the
// project's own.
func (p *PythonProject) roots(points map[string]map[string]string) []string {
	if settled := p.within(p.settledRoots()); len(settled) > 0 {
		return settled
	}
	for _, root := range []string{"src", "."} {
		for _, name := range p.moduleFiles(points) {
			if projectfile.Exists(p.fsys, path.Join(p.dir, root, name)) {
				return p.within([]string{root})
			}
		}
	}
	return p.within([]string{"src", "."})
}

// settledRoots returns the directories that the settings of setuptools, Poetry, uv, Hatchling and PDM name, relative to the project.
func (p *PythonProject) settledRoots() []string {
	setuptools, hatch := p.file.table("tool", "setuptools"), p.file.table("tool", "hatch", "build", "targets", "wheel")
	roots := setuptools.table("packages", "find").texts("where")
	if dir, ok := setuptools.table("package-dir")[""].(string); ok {
		roots = append(roots, path.Clean(dir))
	}
	for _, included := range p.poetry.tables("packages") {
		roots = append(roots, path.Clean(included.text("from")))
	}
	for _, dir := range hatch.texts("packages") {
		roots = append(roots, path.Dir(dir))
	}
	if dir := p.file.table("tool", "pdm", "build").text("package-dir"); dir != "" {
		roots = append(roots, dir)
	}
	if dir, ok := p.file.table("tool", "uv", "build-backend")["module-root"].(string); ok {
		return append(roots, path.Clean(dir))
	}
	if p.file.table("build-system").text("build-backend") == "uv_build" {
		roots = append(roots, "src") // its default
	}
	return roots
}

// within returns directories of the project as directories of the context, each once. It omits those outside of the context.
func (p *PythonProject) within(roots []string) []string {
	var all []string
	for _, root := range roots {
		joined := path.Join(p.dir, root)
		outside := path.IsAbs(root) || joined == ".." || strings.HasPrefix(joined, "../") || strings.ContainsAny(joined, "\r\n")
		if !outside && !slices.Contains(all, joined) {
			all = append(all, joined)
		}
	}
	return all
}

// moduleFiles returns files that a root may hold: of the module with the project's name, then of those that the scripts name.
func (p *PythonProject) moduleFiles(points map[string]map[string]string) []string {
	modules := []string{p.module()}
	scripts := points[llb.ConsoleScripts]
	for _, name := range slices.Sorted(maps.Keys(scripts)) {
		module, _, _ := strings.Cut(scripts[name], ":")
		modules = append(modules, strings.ReplaceAll(strings.TrimSpace(module), ".", "/"))
	}
	var files []string
	for _, module := range modules {
		files = append(files, module+"/__init__.py", module+".py")
	}
	return files
}

// MainModule returns the module of the project's name if it is a program, in one of the directories of the context; else "".
func (p *PythonProject) MainModule(roots []string) string {
	for _, root := range roots {
		if projectfile.Exists(p.fsys, path.Join(root, p.module(), "__main__.py")) {
			return p.module()
		}
	}
	return ""
}

// module returns the module that has the project's name.
func (p *PythonProject) module() string {
	return strings.ReplaceAll(llb.NormalName(p.Name()), "-", "_")
}
