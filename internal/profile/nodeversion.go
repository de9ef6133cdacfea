package profile

import (
	"io/fs"
	"slices"
	"strings"

	"github.com/rtbuild/rtbuild/internal/profile/manifests"
	"github.com/rtbuild/rtbuild/internal/profile/releases"
)

// completeInterpreter sets the version of Node.js that the project asks for, unless the file or a tool of it says one. It keeps the
// profile's version where the project accepts it, and where no pinned version is what the project asks for; lint reports that.
func (d definition) completeInterpreter(fsys fs.FS, r *Runtime) error {
	if d.defaults.Interpreter.Name != "node" || r.file().Interpreter.Name != "" {
		return nil
	}
	wanted, err := manifests.WantedNode(fsys)
	if r.Directory != "" && err == nil {
		var own []manifests.NodeWanted
		own, err = manifests.WantedNode(r.own(fsys))
		wanted = append(wanted, own...)
	}
	for _, line := range nodeLines(d.defaults.Interpreter.Version) {
		release, pinned := r.Release("node", line)
		if pinned && !slices.ContainsFunc(wanted, func(w manifests.NodeWanted) bool { return !w.Accepts(release.Version) }) {
			r.Interpreter.Version = line
			break
		}
	}
	return err
}

// nodeLines returns the first numbers of the pinned versions: the preferred one, and then the others, the newest first.
func nodeLines(preferred string) []string {
	lines := []string{preferred}
	for _, t := range releases.All() {
		line, _, _ := strings.Cut(t.Version, ".")
		if t.Name == "node" && !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	return lines
}
