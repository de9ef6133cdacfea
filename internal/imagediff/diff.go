package imagediff

import (
	"encoding/json"
)

// Kind says how a path differs.
type Kind string

// The kinds of changes.
const (
	Added   Kind = "added"   // only the second image has it
	Removed Kind = "removed" // only the first image has it
	Changed Kind = "changed"
	// Unknown is a path at which only one image's own layers have put something, or have taken something away, while the
	// other is as in the shared layers, which were not read.
	Unknown Kind = "unknown"
)

// Side is one of the two images.
type Side string

// The two images, in the order in which they were given.
const (
	SideFrom Side = "from"
	SideTo   Side = "to"
)

// FileChange is a path that differs.
type FileChange struct {
	Path    string   `json:"path"` // from the root, with a leading slash
	Kind    Kind     `json:"kind"`
	Differs []Aspect `json:"differs,omitempty"` // of what is changed
	From    *Entry   `json:"from"`              // nil if the first image does not have the path
	To      *Entry   `json:"to"`                // nil if the second image does not have the path

	As   Side `json:"asShared,omitempty"` // of what is unknown: the image that is as in the shared layers
	Rest bool `json:"rest,omitempty"`     // of what is unknown: not the path itself, but whatever else the shared layers have in it
}

// Diff is what differs between two images.
type Diff struct {
	From    *Image         `json:"from"`
	To      *Image         `json:"to"`
	Shared  int            `json:"sharedLayers"` // how many layers both begin with
	Config  []ConfigChange `json:"config"`
	Details []ConfigChange `json:"details"` // of the config too: when and how the images came to be
	Files   []FileChange   `json:"files"`   // in the order of a walk through the tree
}

// Equal reports whether the images have the same files and the same config, so that a container is the same from either. They may
// still differ in how they are stored (layers, compression, time stamps) and in when and how they came to be (Details). It is
// false as long as anything is unknown.
func (d *Diff) Equal() bool { return len(d.Config) == 0 && len(d.Files) == 0 }

// unknown gives the first path of which it is not known whether it differs.
func (d *Diff) unknown() (path string, ok bool) {
	for _, f := range d.Files {
		if f.Kind == Unknown {
			return f.Path, true
		}
	}
	return "", false
}

// Summary counts what differs.
type Summary struct {
	Config       int   `json:"config"` // fields
	Added        int   `json:"added"`  // files, directories and so on
	Removed      int   `json:"removed"`
	Changed      int   `json:"changed"`
	Unknown      int   `json:"unknown"`
	AddedBytes   int64 `json:"addedBytes"`   // the size of the added files
	RemovedBytes int64 `json:"removedBytes"` // the size of the removed files
}

// Summary counts what differs.
func (d *Diff) Summary() Summary {
	s := Summary{Config: len(d.Config)}
	for _, f := range d.Files {
		switch f.Kind {
		case Added:
			s.Added++
			s.AddedBytes += f.To.Size
		case Removed:
			s.Removed++
			s.RemovedBytes += f.From.Size
		case Changed:
			s.Changed++
		case Unknown:
			s.Unknown++
		}
	}
	return s
}

// MarshalJSON gives the fields of Diff, and "equal" and "summary".
func (d *Diff) MarshalJSON() ([]byte, error) {
	type fields Diff
	return json.Marshal(struct {
		Equal bool `json:"equal"`
		*fields
		Summary Summary `json:"summary"`
	}{d.Equal(), (*fields)(d), d.Summary()})
}
