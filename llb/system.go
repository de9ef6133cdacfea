package llb

import "strings"

// system is the stage that makes the base usable: packages, Docker, the user and the runtime's directories.
func (g *Graph) system() (Layers, error) {
	packages, err := g.packages()
	if err != nil {
		return nil, err
	}
	var layers Layers
	if len(packages) > 0 {
		layers = append(layers, g.install(installation{title: "install " + strings.Join(packages, " "), field: "packages", packages: packages}))
	}
	docker, err := g.docker()
	if err != nil {
		return nil, err
	}
	layers = append(layers, docker...)
	return append(layers, g.makeUser()), nil
}
