package llb

import (
	"fmt"
	"strings"
)

// GitUser sets the author of git commits for root and the runtime's user.
type GitUser struct{ Name, Email string }

func (u GitUser) layers(g *Graph) (Layers, error) {
	var script strings.Builder
	for _, home := range g.homes() {
		fmt.Fprintf(&script, `git config --file %[1]s/.gitconfig user.name %[4]s
git config --file %[1]s/.gitconfig user.email %[5]s
chown %[2]d:%[3]d %[1]s/.gitconfig
`, shellQuote(home.dir), home.owner.UID, home.owner.GID, shellQuote(u.Name), shellQuote(u.Email))
	}
	return Layers{g.step(StageTools, "set git's user", "profile", asRoot(), script.String())}, nil
}
