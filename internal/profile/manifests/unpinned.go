package manifests

import (
	"fmt"
	"strings"

	"github.com/rtbuild/rtbuild/internal/projectfile"
	"github.com/rtbuild/rtbuild/llb"
)

// unpinned is a requirement that does not name one version.
type unpinned struct {
	text projectfile.Text
	line logicalLine
}

// spec returns the requirement without its marker.
func (u unpinned) spec() string { return specOf(u.line) }

// marked reports whether the requirement holds only for some interpreters.
func (u unpinned) marked() bool { return strings.Contains(u.line.text, ";") }

// place returns "FILE:LINE".
func (u unpinned) place() string { return fmt.Sprintf("%s:%d", u.text.Name, u.line.number) }

// settle decides about the requirements that name no version, when all files are read. A constraint may pin them. Those with a marker become
// conditions. The error names all others.
func (r *requirements) settle() error {
	var open []unpinned
	for _, u := range r.unpinned {
		switch name := llb.NormalName(requirementName.FindString(u.spec())); {
		case r.constrained[name]:
		case u.marked():
			r.found.Conditional = append(r.found.Conditional, u.place()+": "+u.line.text)
		default:
			open = append(open, u)
		}
	}
	if len(open) == 0 {
		return nil
	}
	hint := "pin all with: " + PinCommand(r.found.Files[0])
	first := open[0]
	if len(open) == 1 {
		return first.text.At(first.line.number, first.line.column, hint, "the requirement %q is not pinned", first.spec())
	}
	texts := []string{fmt.Sprintf("%q", first.spec())}
	for _, u := range open[1:] {
		texts = append(texts, fmt.Sprintf("%q (%s)", u.spec(), u.place()))
	}
	return first.text.At(first.line.number, first.line.column, hint, "%d requirements are not pinned: %s", len(open), strings.Join(texts, ", "))
}

// PinCommand returns the command that pins all requirements of a file, with hashes, for all interpreters.
func PinCommand(file string) string {
	loose := strings.TrimSuffix(file, ".txt") + ".in"
	return fmt.Sprintf("mv %[1]s %[2]s && uv pip compile --universal --generate-hashes -o %[1]s %[2]s", file, loose)
}

// constrain notes the name of a constraint that pins it everywhere.
func (r *requirements) constrain(l logicalLine) {
	spec := specOf(l)
	if name := requirementName.FindString(spec); name != "" && !strings.Contains(l.text, ";") && pinForm.MatchString(spec) {
		r.constrained[llb.NormalName(name)] = true
	}
}
