package manifests

import (
	"maps"
	"slices"

	"github.com/rtbuild/rtbuild/llb"
)

// Choice is what is installed of a Python project besides its dependencies, by normalised names.
type Choice struct{ Extras, Groups []string }

// Extras returns the names of the project's extras, as the project writes them, sorted.
func (p *PythonProject) Extras() []string {
	if p == nil {
		return nil
	}
	return namesOf(p.standard.table("optional-dependencies"), p.poetry.table("extras"))
}

// Groups returns the names of the project's dependency groups that a package manager knows, as the project writes them, sorted.
func (p *PythonProject) Groups(manager string) []string {
	if p == nil {
		return nil
	}
	groups, older := p.file.table("dependency-groups"), table{}
	switch manager {
	case "poetry":
		older = maps.Clone(p.poetry.table("group"))
		if p.poetry["dev-dependencies"] != nil {
			older = table{"dev": nil}
		}
	case "pdm":
		older = p.file.table("tool", "pdm", "dev-dependencies")
	case "uv":
		if p.file.table("tool", "uv")["dev-dependencies"] != nil {
			older["dev"] = nil
		}
	}
	return namesOf(groups, older)
}

// namesOf returns the keys of tables, each once.
func namesOf(tables ...table) []string {
	var all []string
	for _, t := range tables {
		for _, name := range slices.Sorted(maps.Keys(t)) {
			if !hasName(all, name) {
				all = append(all, name)
			}
		}
	}
	slices.Sort(all)
	return all
}

func hasName(names []string, name string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return llb.NormalName(n) == llb.NormalName(name) })
}
