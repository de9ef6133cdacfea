package llb

import "strings"

// system is the stage that makes the base usable: packages, Docker, the user and the runtime's directories.
func (g *Graph) system() (Layers, error) {
	packages, err := g.packages()
	if err != nil {
		return nil, err
	}
	var layers Layers
	for _, names := range packages {
		layers = append(layers, g.install(installation{title: "install " + strings.Join(names, " "), field: "packages", packages: names}))
	}
	docker, err := g.docker()
	if err != nil {
		return nil, err
	}
	layers = append(layers, docker...)
	return append(layers, g.makeUser()), nil
}
