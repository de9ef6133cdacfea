package imagediff

import (
	"archive/tar"
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/opencontainers/go-digest"

	"github.com/rtbuild/rtbuild/tags"
)

// Whiteouts, as the OCI image specification has them. Other names with both prefixes are aufs's own, and nothing's files.
const (
	whiteoutPrefix = tags.WhiteoutPrefix
	whiteoutMeta   = whiteoutPrefix + whiteoutPrefix
	whiteoutOpaque = whiteoutMeta + ".opq"
)

// xattrPrefix begins the PAX records that hold extended attributes.
const xattrPrefix = "SCHILY.xattr."

// readLayer reads a layer's stream, compressed or not, up to its archive's end, and gives the tree of what the layer has. What that
// takes is added to what its image has spent; the error wraps ErrLimit if that is too much.
func readLayer(r io.Reader, spent *spent) (*node, error) {
	plain, err := decompress(r)
	if err != nil {
		return nil, err
	}
	defer plain.Close()
	t := &tree{&node{}, spent}
	for archive := tar.NewReader(plain); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return t.root, nil
		}
		if err != nil {
			return nil, err
		}
		if err := t.add(h, archive); err != nil {
			return nil, fmt.Errorf("%s: %w", shown(h.Name), err)
		}
	}
}

// decompress tells the compression by a stream's first bytes, as containerd does, since media types are not always right.
func decompress(r io.Reader) (io.ReadCloser, error) {
	buffered := bufio.NewReaderSize(r, 64<<10)
	magic, err := buffered.Peek(4)
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return nil, err
	case len(magic) < 4:
		return io.NopCloser(buffered), nil // an empty layer
	case magic[0] == 0x1f && magic[1] == 0x8b:
		return gzip.NewReader(buffered)
	case isZstd(binary.LittleEndian.Uint32(magic)):
		// One goroutine: with more, it would read on after the archive's end, while the rest is read to check the digest.
		decoder, err := zstd.NewReader(buffered, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		return decoder.IOReadCloser(), nil
	}
	return io.NopCloser(buffered), nil
}

// isZstd knows a frame's magic number, and those of skippable frames (RFC 8878, 3.1).
func isZstd(magic uint32) bool { return magic == 0xfd2fb528 || magic&^0xf == 0x184d2a50 }

// shown is a name as it stands in an error: the beginning of a long one.
func shown(name string) string {
	if len(name) > maxName {
		return quote(strings.ToValidUTF8(name[:maxName], "")) + "..."
	}
	return quote(name)
}

// add puts an entry of a layer's archive into the layer's tree.
func (t *tree) add(h *tar.Header, content io.Reader) error {
	err := checkHeader(h)
	if err == nil {
		err = t.spent.take(0, weight(h))
	}
	if err != nil {
		return err
	}
	name := path.Clean("/" + h.Name)
	dir, base := path.Split(name)
	switch gone, ok := strings.CutPrefix(base, whiteoutPrefix); {
	case base == whiteoutOpaque:
		return t.clear(dir)
	case strings.HasPrefix(base, whiteoutMeta):
		return nil
	case ok && (gone == "" || gone == "." || gone == ".."):
		return errors.New("a whiteout of nothing")
	case ok:
		return t.whiteout(dir + gone)
	case h.Typeflag == tar.TypeXGlobalHeader:
		return nil
	case h.Typeflag == tar.TypeLink:
		return t.putLink(name, strings.Clone(path.Clean("/"+h.Linkname)))
	}
	e, err := newEntry(h, content)
	if err != nil {
		return err
	}
	return t.put(name, e)
}

// newEntry gives what a header describes. It keeps no text of the header's own: that would keep all of the header.
func newEntry(h *tar.Header, content io.Reader) (*Entry, error) {
	e := &Entry{Mode: Mode(h.Mode & 0o7777), UID: h.Uid, GID: h.Gid, Xattrs: xattrs(h)}
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeCont, tar.TypeGNUSparse:
		sum := digest.Canonical.Digester()
		size, err := io.Copy(sum.Hash(), content)
		if err != nil {
			return nil, err
		}
		e.Type, e.Size, e.Digest = File, size, sum.Digest()
	case tar.TypeDir:
		e.Type = Directory
	case tar.TypeSymlink:
		e.Type, e.Target, e.Mode = Symlink, strings.Clone(h.Linkname), 0o777 // whatever the archive says: links have no mode of their own
	case tar.TypeChar, tar.TypeBlock:
		e.Type, e.Device = CharDevice, fmt.Sprintf("%d:%d", h.Devmajor, h.Devminor)
		if h.Typeflag == tar.TypeBlock {
			e.Type = BlockDevice
		}
	case tar.TypeFifo:
		e.Type = FIFO
	default:
		return nil, fmt.Errorf("an entry of the unknown type %q", h.Typeflag)
	}
	return e, nil
}

func xattrs(h *tar.Header) map[string][]byte {
	var all map[string][]byte
	for record, value := range h.PAXRecords {
		name, ok := strings.CutPrefix(record, xattrPrefix)
		if !ok {
			continue
		}
		if all == nil {
			all = map[string][]byte{}
		}
		all[strings.Clone(name)] = []byte(value)
	}
	return all
}
