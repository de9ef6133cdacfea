package llb

import "strings"

// system is the stage that makes the base usable: packages, what stands on them, the user and the runtime's directories.
func (g *Graph) system() (Layers, error) {
	packages, err := g.packages()
	if err != nil {
		return nil, err
	}
	var layers Layers
	for _, names := range packages {
		layers = append(layers, g.install(installation{title: "install " + strings.Join(names, " "), field: "packages", packages: names}))
	}
	more, err := g.components(g.Runtime.System)
	if err != nil {
		return nil, err
	}
	layers = append(layers, more...)
	return append(layers, g.makeUser()), nil
}
