package imagediff

import (
	"archive/tar"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
)

// The limits of an image that can be compared. Images are not trusted: a layer of 1 kB can name a million directories. The first
// three are limits of Linux (limits.h, xattr(7)); an image that exceeds them cannot be unpacked.
const (
	maxPath      = 4096      // bytes of a path, or of a link's target
	maxName      = 255       // bytes of a name in a path, or of an extended attribute's name
	maxXattrSize = 64 << 10  // bytes of an extended attribute's value
	maxXattrs    = 256 << 10 // bytes of all extended attributes of an entry, names included
	maxLayers    = 1000      // of an image
	maxEntries   = 2_000_000 // of an image, in all its layers, including implied directories
	maxMemory    = 1 << 30   // bytes of an image's entries, including the paths of a printed result
)

// entryCost estimates the memory of an entry without its path, in bytes. TestEntryCost measures it.
const entryCost = 448

// ErrLimit means that an image is too large to be compared.
var ErrLimit = errors.New("the limit of rtbuild-client diff")

func overLimit(what string, limit any) error {
	return fmt.Errorf("%s, and %v is %w", what, limit, ErrLimit)
}

// usage counts the resources that an image's layers take.
type usage struct{ entries, memory atomic.Int64 }

// add counts entries and memory. The error wraps ErrLimit if the image has too many.
func (u *usage) add(entries, memory int64) error {
	if u.entries.Add(entries) > maxEntries {
		return overLimit("the image has more entries", maxEntries)
	}
	if u.memory.Add(memory) > maxMemory {
		return overLimit("the image's entries take more memory", "1 GiB")
	}
	return nil
}

// checkHeader refuses an entry that Linux cannot unpack.
func checkHeader(h *tar.Header) error {
	for what, path := range map[string]string{"a path": h.Name, "a link's target": h.Linkname} {
		if len(path) > maxPath {
			return overLimit(fmt.Sprintf("%s is %d bytes long", what, len(path)), maxPath)
		}
	}
	for name := range strings.SplitSeq(h.Name, "/") {
		if len(name) > maxName {
			return overLimit(fmt.Sprintf("a name is %d bytes long", len(name)), maxName)
		}
	}
	return checkXattrs(h)
}

func checkXattrs(h *tar.Header) error {
	all := 0
	for record, value := range h.PAXRecords {
		name, ok := strings.CutPrefix(record, xattrPrefix)
		if !ok {
			continue
		}
		switch all += len(name) + len(value); {
		case len(name) > maxName:
			return overLimit(fmt.Sprintf("an extended attribute's name is %d bytes long", len(name)), maxName)
		case len(value) > maxXattrSize:
			return overLimit(fmt.Sprintf("an extended attribute is %d bytes long", len(value)), maxXattrSize)
		}
	}
	if all > maxXattrs {
		return overLimit(fmt.Sprintf("the extended attributes are %d bytes long together", all), maxXattrs)
	}
	return nil
}

// weight returns the memory that an entry takes besides entryCost, in bytes.
func weight(h *tar.Header) int64 {
	n := len(h.Linkname)
	for record, value := range h.PAXRecords {
		if strings.HasPrefix(record, xattrPrefix) {
			n += entryCost + len(record) + len(value)
		}
	}
	return int64(n)
}
