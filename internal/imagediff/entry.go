package imagediff

import (
	"bytes"
	"fmt"
	"maps"

	"github.com/opencontainers/go-digest"
)

// Type is what kind of file an entry is.
type Type string

// The types of entries.
const (
	File        Type = "file"
	Directory   Type = "directory"
	Symlink     Type = "symlink"
	CharDevice  Type = "character device"
	BlockDevice Type = "block device"
	FIFO        Type = "fifo"
	// BrokenLink is a hard link to a missing path. A layer with one cannot be unpacked.
	BrokenLink Type = "broken hard link"
)

// Mode holds permissions with the setuid, setgid and sticky bits. Its text is octal: "0755".
type Mode uint16

// String returns at least four octal digits.
func (m Mode) String() string { return fmt.Sprintf("%04o", uint16(m)) }

// MarshalText implements encoding.TextMarshaler.
func (m Mode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// Entry is a file of an image, in the wide sense, without time stamps.
type Entry struct {
	Type   Type              `json:"type"`
	Mode   Mode              `json:"mode"`
	UID    int               `json:"uid"`
	GID    int               `json:"gid"`
	Size   int64             `json:"size"`             // of a file's content, in bytes
	Digest digest.Digest     `json:"digest,omitempty"` // of a file's content
	Target string            `json:"target,omitempty"` // of a link, unresolved
	Device string            `json:"device,omitempty"` // major:minor
	Xattrs map[string][]byte `json:"xattrs,omitempty"` // extended attributes, by name
}

// Aspect is a property in which two entries differ.
type Aspect string

// The aspects of entries. Entries of different types are not compared further.
const (
	AspectType    Aspect = "type"
	AspectMode    Aspect = "mode"
	AspectOwner   Aspect = "owner"
	AspectSize    Aspect = "size"
	AspectContent Aspect = "content"
	AspectTarget  Aspect = "target"
	AspectDevice  Aspect = "device"
	AspectXattrs  Aspect = "xattrs"
)

// aspects returns the aspects in which two entries differ, in the order above.
func aspects(a, b *Entry) []Aspect {
	if a.Type != b.Type {
		return []Aspect{AspectType}
	}
	var all []Aspect
	for _, compared := range []struct {
		aspect Aspect
		same   bool
	}{
		{AspectMode, a.Mode == b.Mode},
		{AspectOwner, a.UID == b.UID && a.GID == b.GID},
		{AspectSize, a.Size == b.Size},
		{AspectContent, a.Digest == b.Digest},
		{AspectTarget, a.Target == b.Target},
		{AspectDevice, a.Device == b.Device},
		{AspectXattrs, maps.EqualFunc(a.Xattrs, b.Xattrs, bytes.Equal)},
	} {
		if !compared.same {
			all = append(all, compared.aspect)
		}
	}
	return all
}
