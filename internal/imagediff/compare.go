package imagediff

import (
	"maps"
	"path"
	"slices"
)

// Compare returns the differences between two images. It uses only the layers that were read. If a difference depends on
// unread shared layers, Compare reports a change of kind Unknown.
func Compare(from, to *Image) *Diff {
	n := shared(from, to)
	d := &Diff{
		From: from, To: to, Shared: n,
		Config:  configChanges(from.config.facts, to.config.facts),
		Details: configChanges(from.config.details, to.config.details),
		Files:   []FileChange{},
	}
	if from.Manifest != to.Manifest {
		d.walk("/", viewOf(from, n), viewOf(to, n))
	}
	return d
}

// walk compares two images at a path and below.
func (d *Diff) walk(name string, from, to view) {
	if !from.isOwn() && !to.isOwn() && from.sees == to.sees {
		return // both show only the shared layers, or nothing
	}
	unknown := d.compare(name, from, to)
	children := map[string]bool{}
	fromSees := !names(from.own, children) && from.sees
	toSees := !names(to.own, children) && to.sees
	if fromSees != toSees { // otherwise, the content of the shared layers is the same in both
		seeing := from
		if toSees {
			seeing = to
		}
		if hidden := names(seeing.shared, children); !hidden && seeing.open && !unknown {
			d.Files = append(d.Files, FileChange{Path: name, Kind: Unknown, As: side(toSees), Rest: true})
		}
	}
	for _, child := range slices.Sorted(maps.Keys(children)) {
		d.walk(path.Join(name, child), from.child(child), to.child(child))
	}
}

// compare compares two images at one path. It reports whether it recorded an unknown difference.
func (d *Diff) compare(name string, from, to view) (unknown bool) {
	a, knownA := from.entry()
	b, knownB := to.entry()
	change := FileChange{Path: name, From: a, To: b}
	switch {
	case !knownA && !knownB: // both are as in the shared layers, so only the content below can differ
		return false
	case knownA != knownB:
		change.Kind, change.As = Unknown, side(knownA)
	case a == nil && b == nil:
		return false
	case a == nil:
		change.Kind = Added
	case b == nil:
		change.Kind = Removed
	default:
		change.Kind, change.Differs = Changed, aspects(a, b)
		if change.Differs == nil {
			return false
		}
	}
	d.Files = append(d.Files, change)
	return change.Kind == Unknown
}

func side(to bool) Side {
	if to {
		return SideTo
	}
	return SideFrom
}
