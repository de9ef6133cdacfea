package manifests

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// compilers are build backends that compile parts of a project.
var compilers = []string{"maturin", "mesonpy", "scikit_build_core", "setuptools_rust", "pdm.build.compile"}

// Unknown returns what an installation from the manifest alone lacks, because only the project's build backend knows or makes it. version is
// the one that the user gives. Each is the end of a sentence.
func (p *PythonProject) Unknown(version string) []string {
	var all []string
	if p.version(version) == noVersion {
		all = append(all, "its version is "+noVersion+": write version: in runtime.yaml")
	}
	dynamic := p.standard.texts("dynamic")
	for _, field := range []string{"scripts", "gui-scripts", "entry-points"} {
		if slices.Contains(dynamic, field) {
			all = append(all, fmt.Sprintf("it lacks the %s, which are dynamic in its manifest", field))
		}
	}
	if compiler := p.compiler(); compiler != "" {
		all = append(all, "it lacks what "+compiler+" compiles")
	}
	if moved := p.movedPackages(); len(moved) > 0 {
		all = append(all, fmt.Sprintf("%s cannot be imported, because package-dir moves it", strings.Join(moved, ", ")))
	}
	return all
}

// compiler returns the name of what compiles parts of the project, or "".
func (p *PythonProject) compiler() string {
	build := p.file.table("build-system")
	backend, _, _ := strings.Cut(build.text("build-backend"), ":")
	if slices.Contains(compilers, backend) {
		return backend
	}
	if p.file.table("tool", "setuptools")["ext-modules"] != nil {
		return "setuptools"
	}
	for _, text := range build.texts("requires") {
		if r, ok := parseRequirement(text); ok && slices.Contains([]string{"cython", "pybind11", "setuptools-rust", "cffi", "mypyc"}, r.name) {
			return r.name
		}
	}
	return ""
}

// movedPackages returns the packages that setuptools takes from directories of other names.
func (p *PythonProject) movedPackages() []string {
	var moved []string
	dirs := p.file.table("tool", "setuptools", "package-dir")
	for _, name := range slices.Sorted(maps.Keys(dirs)) {
		dir := strings.Trim(dirs.text(name), "./")
		if path := strings.ReplaceAll(name, ".", "/"); name != "" && dir != path && !strings.HasSuffix(dir, "/"+path) {
			moved = append(moved, name)
		}
	}
	return moved
}
