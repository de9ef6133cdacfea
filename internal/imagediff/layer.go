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

// The names of whiteouts, by the OCI image specification. Other names that begin with whiteoutMeta are metadata of aufs.
const (
	whiteoutPrefix = tags.WhiteoutPrefix
	whiteoutMeta   = whiteoutPrefix + whiteoutPrefix
	whiteoutOpaque = whiteoutMeta + ".opq"
)

// xattrPrefix begins the PAX records that hold extended attributes.
const xattrPrefix = "SCHILY.xattr."

// readLayer reads a layer's stream, compressed or not, to the end of its archive, and returns the layer's tree. It adds the
// resources that this takes to the image's usage. The error wraps ErrLimit if the usage exceeds a limit.
func readLayer(r io.Reader, usage *usage) (*node, error) {
	plain, err := decompress(r)
	if err != nil {
		return nil, err
	}
	defer plain.Close()
	t := &tree{&node{}, usage}
	for archive := tar.NewReader(plain); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return t.root, nil
		}
		if err != nil {
			return nil, err
		}
		if err := t.add(h, archive); err != nil {
			return nil, fmt.Errorf("%s: %w", shorten(h.Name), err)
		}
	}
}

// decompress detects the compression by a stream's first bytes, as containerd does, because media types are not reliable.
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
		// With more than one goroutine, it would read beyond the archive's end, while the caller reads the rest for the digest.
		decoder, err := zstd.NewReader(buffered, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		return decoder.IOReadCloser(), nil
	}
	return io.NopCloser(buffered), nil
}

// isZstd reports whether magic begins a frame or a skippable frame (RFC 8878, 3.1).
func isZstd(magic uint32) bool { return magic == 0xfd2fb528 || magic&^0xf == 0x184d2a50 }

// shorten quotes a name for an error, and cuts a long one.
func shorten(name string) string {
	if len(name) > maxName {
		return quote(strings.ToValidUTF8(name[:maxName], "")) + "..."
	}
	return quote(name)
}

// add adds an entry of a layer's archive to the layer's tree.
func (t *tree) add(h *tar.Header, content io.Reader) error {
	err := checkHeader(h)
	if err == nil {
		err = t.usage.add(0, weight(h))
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
		return errors.New("a whiteout without a name")
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

// newEntry returns the entry that a header describes. It clones texts, which would otherwise keep the whole header in memory.
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
		e.Type, e.Target, e.Mode = Symlink, strings.Clone(h.Linkname), 0o777 // symlinks have no mode of their own
	case tar.TypeChar, tar.TypeBlock:
		e.Type, e.Device = CharDevice, fmt.Sprintf("%d:%d", h.Devmajor, h.Devminor)
		if h.Typeflag == tar.TypeBlock {
			e.Type = BlockDevice
		}
	case tar.TypeFifo:
		e.Type = FIFO
	default:
		return nil, fmt.Errorf("unknown entry type %q", h.Typeflag)
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
