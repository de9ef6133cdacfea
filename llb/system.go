package llb

import "strings"

// system returns the layers that prepare the base: packages, the components that need them, the user and its directories.
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
