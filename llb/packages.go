package llb

import (
	"slices"
	"strings"
)

// packageNames are the packages of one program, by package manager. Empty means that the manager has none or needs none.
type packageNames struct{ apt, apk, dnf, zypper string }

func (n packageNames) of(manager string) []string {
	return strings.Fields(map[string]string{"apt": n.apt, "apk": n.apk, "dnf": n.dnf, "zypper": n.zypper}[manager])
}

// pythonPackages are a distribution's Python and its module venv.
var pythonPackages = packageNames{"python3 python3-venv", "python3", "python3", "python3"}

// packages returns the names of the packages to install, layer by layer, each sorted and unique. There are none if the file says packages:
// []. The error is a [DistroError] if there are names but no package manager.
func (g *Graph) packages() ([][]string, error) {
	if g.Runtime.NoPackages {
		return nil, nil
	}
	needed, err := g.neededPackages()
	if err != nil {
		return nil, err
	}
	manager := ""
	if g.Distro.Manager != nil {
		manager = g.Distro.Manager.Name
	}
	layers := [][]string{needed}
	for i, p := range g.Runtime.Packages {
		names := p.of(g.Distro, manager)
		if i == 0 {
			layers[0] = append(needed, names...)
			continue
		}
		layers = append(layers, names)
	}
	for i, names := range layers {
		slices.Sort(names)
		layers[i] = slices.Compact(names)
	}
	layers = slices.DeleteFunc(layers, func(names []string) bool { return len(names) == 0 })
	if len(layers) > 0 && manager == "" {
		return nil, &DistroError{g.Distro, layers[0]}
	}
	return layers, nil
}

// of returns the packages for a distribution.
func (p Packages) of(d Distro, manager string) []string {
	release, known := p[d.ID+" "+d.Release]
	if !known {
		release = p[manager+" other"]
	}
	return slices.Concat(p[""], p[manager], p[d.ID], release)
}

// neededPackages returns the packages of the interpreter, and those with useradd.
func (g *Graph) neededPackages() ([]string, error) {
	names, err := g.interpreterPackages()
	if err == nil && g.Distro.Manager != nil && g.Runtime.User.Name != "root" {
		names = append(names, g.Distro.Manager.accounts...)
	}
	return names, err
}
