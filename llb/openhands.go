package llb

// openhands reports whether the image is to be what OpenHands' own build makes: its interpreter comes with micromamba, its
// dependencies lie apart from its source, and its start changes the user.
func (g *Graph) openhands() bool { return g.Runtime.Profile == "openhands" }
