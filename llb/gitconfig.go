package llb

import (
	"fmt"
	"strings"
)

// gitConfig says who commits as root, and as the user.
func (g *Graph) gitConfig() (Layers, error) {
	var script strings.Builder
	for _, home := range g.homes() {
		fmt.Fprintf(&script, `git config --file %[1]s/.gitconfig user.name openhands
git config --file %[1]s/.gitconfig user.email openhands@all-hands.dev
chown %[2]d:%[3]d %[1]s/.gitconfig
`, shellQuote(home.dir), home.owner.UID, home.owner.GID)
	}
	return Layers{g.step("tools", "set git's user", "profile", asRoot(), script.String())}, nil
}
