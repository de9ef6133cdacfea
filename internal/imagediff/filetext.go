package imagediff

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// maxXattr limits how many bytes of an extended attribute are printed.
const maxXattr = 40

// fileLine is a line of the files section.
type fileLine struct {
	sign       rune
	path, text string
}

var signs = map[Kind]rune{Added: '+', Removed: '-', Changed: '~', Unknown: '?'}

func fileLines(changes []FileChange, verbose bool) []fileLine {
	var lines []fileLine
	for i := 0; i < len(changes); i++ {
		c := changes[i]
		line := fileLine{signs[c.Kind], quote(c.Path), c.text()}
		if n, bytes := within(changes[i:]); n > 0 && !verbose {
			line.path = quote(c.Path + "/")
			line.text += fmt.Sprintf(", %s in it", count(n, "entry", "entries"))
			if bytes > 0 {
				line.text += ", " + size(bytes)
			}
			i += n
		}
		lines = append(lines, line)
	}
	return lines
}

// within counts the entries below the first change's directory, and their bytes, if only one image has that directory.
func within(changes []FileChange) (n int, bytes int64) {
	first := changes[0]
	if e := first.only(); e == nil || e.Type != Directory {
		return 0, 0
	}
	for _, c := range changes[1:] {
		if !strings.HasPrefix(c.Path, first.Path+"/") {
			break
		}
		e := c.only()
		if e == nil {
			return 0, 0 // unknown paths are listed one by one
		}
		n++
		bytes += e.Size
	}
	return n, bytes
}

// only returns the entry of a path that only one image has, or nil.
func (c *FileChange) only() *Entry {
	switch c.Kind {
	case Added:
		return c.To
	case Removed:
		return c.From
	}
	return nil
}

// text describes a change, without its path.
func (c *FileChange) text() string {
	switch {
	case c.Kind != Unknown && c.only() != nil:
		return c.only().text()
	case c.Rest:
		return "other content: " + c.side(SideFrom) + " -> " + c.side(SideTo)
	case c.Kind == Unknown, slices.Contains(c.Differs, AspectType):
		return c.side(SideFrom) + " -> " + c.side(SideTo)
	}
	var all []string
	for _, aspect := range c.Differs {
		if text := c.aspect(aspect); text != "" {
			all = append(all, text)
		}
	}
	return strings.Join(all, ", ")
}

// side describes what one of the images has.
func (c *FileChange) side(s Side) string {
	e := c.From
	if s == SideTo {
		e = c.To
	}
	switch {
	case c.Kind == Unknown && c.As == s:
		return "as in the shared layers"
	case e == nil:
		return "nothing"
	}
	return e.text()
}

// aspect describes how an aspect differs. It returns "" if another aspect's text suffices.
func (c *FileChange) aspect(a Aspect) string {
	from, to := c.From, c.To
	switch a {
	case AspectMode:
		return fmt.Sprintf("mode %s -> %s", from.Mode, to.Mode)
	case AspectOwner:
		return fmt.Sprintf("owner %d:%d -> %d:%d", from.UID, from.GID, to.UID, to.GID)
	case AspectSize:
		return fmt.Sprintf("size %d -> %d bytes", from.Size, to.Size)
	case AspectContent:
		if from.Size != to.Size {
			return ""
		}
		return "content (" + count(int(to.Size), "byte") + ")"
	case AspectTarget:
		return fmt.Sprintf("target %s -> %s", quoteValue(from.Target), quoteValue(to.Target))
	case AspectDevice:
		return fmt.Sprintf("device %s -> %s", from.Device, to.Device)
	}
	return xattrText(from.Xattrs, to.Xattrs)
}

// xattrText describes the extended attributes that differ.
func xattrText(from, to map[string][]byte) string {
	union := maps.Clone(from)
	if union == nil {
		union = map[string][]byte{}
	}
	maps.Copy(union, to)
	var all []string
	for _, name := range slices.Sorted(maps.Keys(union)) {
		a, inA := from[name]
		b, inB := to[name]
		if inA != inB || !bytes.Equal(a, b) {
			all = append(all, fmt.Sprintf("xattr %s %s -> %s", quote(name), xattrValue(a, inA), xattrValue(b, inB)))
		}
	}
	return strings.Join(all, ", ")
}

// xattrValue formats an attribute's value as getfattr does: as text if possible, else in hexadecimal.
func xattrValue(value []byte, exists bool) string {
	if !exists {
		return "none"
	}
	rest := ""
	if len(value) > maxXattr {
		value, rest = value[:maxXattr], "..."
	}
	if escaped := escape(string(value)); escaped == string(value) {
		return `"` + escaped + `"` + rest
	}
	return "0x" + hex.EncodeToString(value) + rest
}

// text describes an entry.
func (e *Entry) text() string {
	switch e.Type {
	case Symlink:
		return fmt.Sprintf("symlink to %s, %d:%d", quoteValue(e.Target), e.UID, e.GID)
	case BrokenLink:
		return "hard link to " + quoteValue(e.Target) + ", which does not exist"
	}
	text := fmt.Sprintf("%s %s %d:%d", e.Type, e.Mode, e.UID, e.GID)
	switch e.Type {
	case File:
		text += ", " + size(e.Size)
	case CharDevice, BlockDevice:
		text += ", " + e.Device
	}
	for _, name := range slices.Sorted(maps.Keys(e.Xattrs)) {
		text += ", xattr " + quote(name)
	}
	return text
}
