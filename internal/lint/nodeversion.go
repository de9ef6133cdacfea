package lint

import (
	"strings"

	"github.com/rtbuild/rtbuild/internal/profile/manifests"
	"github.com/rtbuild/rtbuild/internal/projectfile"
)

// otherNode finds a version of Node.js in the project that is not the image's.
func otherNode(in Input) []Finding {
	if in.Runtime.Interpreter.Name != "node" || in.Project == nil {
		return nil
	}
	version := in.Runtime.Interpreter.Version
	release, pinned := in.Runtime.Release("node", version)
	if pinned {
		version = release.Version
	}
	wanted, _ := manifests.WantedNode(in.Project) // other code reports an invalid manifest
	var all []Finding
	for _, w := range wanted {
		if w.Accepts(version) || !pinned && w.Line == "" { // the base brings the version, of which only the beginning is known
			continue
		}
		data, _ := in.read(w.File)
		at := projectfile.SourceLocation{File: w.File, Data: data, First: 1, Last: 1}
		if len(w.Field) > 0 {
			at.First = lineOf(data, w.Field...)
			at.Last = at.First
		}
		line, _, _ := strings.Cut(version, ".")
		all = append(all, OtherNode.found(at, "%s asks for Node.js %s, and the image has %s: write runtime: {node: VERSION}, with a version that fits, "+
			"or change %[1]s if Node.js %[4]s is right", w.File, w.Text, version, line))
	}
	return all
}
