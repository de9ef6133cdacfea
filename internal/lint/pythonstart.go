package lint

import (
	"path"
	"slices"
	"strings"

	"github.com/rtbuild/rtbuild/llb"
)

// missingModule finds a command that is a script of the project whose module the image will not have. A module of another package may be
// a dependency's.
func missingModule(in Input) []Finding {
	r := in.Runtime
	if in.Copied == nil || r.Extra != "" || r.Build != nil || len(r.Cmd) == 0 || !slices.Contains(r.Scripts(), r.Cmd[0]) {
		return nil
	}
	project := r.Project[0]
	target := project.EntryPoints[llb.ConsoleScripts][r.Cmd[0]]
	module, _, _ := strings.Cut(strings.ReplaceAll(target, " ", ""), ":")
	top, _, _ := strings.Cut(module, ".")
	if in.hasModule(project, module) || !in.hasModule(project, top) && llb.NormalName(top) != llb.NormalName(project.Name) {
		return nil
	}
	return []Finding{MissingStart.found(in.field("cmd"), "the image cannot start: its command is the script %s, which calls %s, but the source has no module %s in %s",
		r.Cmd[0], target, module, strings.Join(project.Roots, " or "))}
}

// hasModule reports whether the files that are copied have a module or a package, also a compiled one.
func (in Input) hasModule(project llb.Distribution, module string) bool {
	for _, root := range project.Roots {
		file := path.Join(root, strings.ReplaceAll(module, ".", "/"))
		if slices.ContainsFunc(in.Copied, func(copied string) bool {
			return strings.HasPrefix(copied, file+".") || strings.HasPrefix(copied, file+"/")
		}) {
			return true
		}
	}
	return false
}
