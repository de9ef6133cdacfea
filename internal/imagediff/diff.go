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
	// Unknown is a path that only one image's own layers add, change or remove. The other image has it as in the shared
	// layers, which were not read.
	Unknown Kind = "unknown"
)

// Side names one of the two images.
type Side string

// The two images, in the order of the arguments.
const (
	SideFrom Side = "from"
	SideTo   Side = "to"
)

// FileChange is a path that differs.
type FileChange struct {
	Path    string   `json:"path"` // from the root, with a leading slash
	Kind    Kind     `json:"kind"`
	Differs []Aspect `json:"differs,omitempty"` // for Changed
	From    *Entry   `json:"from"`              // nil if the first image does not have the path
	To      *Entry   `json:"to"`                // nil if the second image does not have the path

	As   Side `json:"asShared,omitempty"` // for Unknown: the image that is as in the shared layers
	Rest bool `json:"rest,omitempty"`     // for Unknown: not the path itself, but other entries of the shared layers below it
}

// Diff holds the differences between two images.
type Diff struct {
	From    *Image         `json:"from"`
	To      *Image         `json:"to"`
	Shared  int            `json:"sharedLayers"` // number of layers that both begin with
	Config  []ConfigChange `json:"config"`
	Details []ConfigChange `json:"details"` // fields of the config about the build: created, history and the like
	Files   []FileChange   `json:"files"`   // in the order of a walk through the tree
}

// Equal reports whether the images have the same files and the same config, so that their containers are the same. They may
// differ in storage (layers, compression, time stamps) and in what their configs say about the build (Details). Equal returns false if
// anything is unknown.
func (d *Diff) Equal() bool { return len(d.Config) == 0 && len(d.Files) == 0 }

// unknown returns the first path with an unknown difference.
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

// MarshalJSON returns the fields of Diff, and "equal" and "summary".
func (d *Diff) MarshalJSON() ([]byte, error) {
	type fields Diff
	return json.Marshal(struct {
		Equal bool `json:"equal"`
		*fields
		Summary Summary `json:"summary"`
	}{d.Equal(), (*fields)(d), d.Summary()})
}
