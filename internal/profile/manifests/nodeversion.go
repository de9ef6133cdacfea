package manifests

import (
	"io/fs"
	"regexp"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/rtbuild/rtbuild/internal/projectfile"
)

// NodeVersionFiles are the files in which version managers of Node.js find the version for a project, in the order in which they count.
var NodeVersionFiles = []string{".nvmrc", ".node-version"}

// NodeWanted is a version of Node.js that a project asks for.
type NodeWanted struct {
	File  string   // that says so
	Field []string // of package.json, that says so
	Text  string   // what it says
	Line  string   // the first number of the version, such as "22"; empty: Text is a range
	rng   *semver.Constraints
}

// Accepts reports whether a whole version of Node.js, such as 22.1.0, is what the project asks for. Of the version files, only the first
// number counts: rtbuild installs the newest release with it.
func (w NodeWanted) Accepts(version string) bool {
	if w.rng == nil {
		line, _, _ := strings.Cut(version, ".")
		return w.Line == line
	}
	v, err := semver.NewVersion(version)
	return err != nil || w.rng.Check(v)
}

var (
	nodeNumber = regexp.MustCompile(`^v?(\d+)(?:\.[\dxX*]+)*$`)
	ltsNames   = map[string]string{"lts/hydrogen": "18", "lts/iron": "20", "lts/jod": "22", "lts/krypton": "24"}
)

// WantedNode returns the versions of Node.js that a project asks for: in a version file, and in devEngines and
// engines of package.json. Words such as
// "node" and "lts/*", and ranges that are not understood, ask for nothing. The error is about package.json itself.
func WantedNode(fsys fs.FS) ([]NodeWanted, error) {
	var all []NodeWanted
	for _, file := range NodeVersionFiles {
		data, _ := projectfile.ReadOptional(fsys, file) // a version manager reads none that rtbuild cannot read
		text := strings.TrimSpace(string(data))
		line := ltsNames[strings.ToLower(text)]
		if m := nodeNumber.FindStringSubmatch(text); m != nil {
			line = m[1]
		}
		if line != "" {
			all = append(all, NodeWanted{File: file, Text: text, Line: line})
			break
		}
	}
	fields, err := readPackageJSON(fsys)
	engines, _ := fields["engines"].(map[string]any)
	text, _ := engines["node"].(string)
	all = append(all, wantedRange(text, "engines", "node")...)
	for _, runtime := range devEngines(fields, "runtime") {
		if runtime.name == "node" {
			all = append(all, wantedRange(runtime.version, "devEngines", "runtime", "version")...)
		}
	}
	return all, err
}

// wantedRange returns what a field of package.json asks for, or nothing if it is no range.
func wantedRange(text string, field ...string) []NodeWanted {
	rng, err := semver.NewConstraint(text)
	if text == "" || err != nil {
		return nil
	}
	return []NodeWanted{{File: PackageJSON, Field: field, Text: text, rng: rng}}
}
