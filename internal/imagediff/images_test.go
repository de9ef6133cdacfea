package imagediff

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/opencontainers/go-digest"
)

// item is an entry of a layer's archive.
type item struct {
	tar.Header
	content string
}

func dir(name string, mode int64) item {
	return item{Header: tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: mode}}
}

func file(name, content string) item {
	return item{Header: tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644}, content: content}
}

func symlink(name, target string) item {
	return item{Header: tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: target, Mode: 0o777}}
}

func hardlink(name, target string) item {
	return item{Header: tar.Header{Typeflag: tar.TypeLink, Name: name, Linkname: target, Mode: 0o644}}
}

func device(name string, kind byte, major, minor int64) item {
	return item{Header: tar.Header{Typeflag: kind, Name: name, Mode: 0o666, Devmajor: major, Devminor: minor}}
}

// whiteout returns a whiteout. Its name says what it removes: "a/.wh.b".
func whiteout(name string) item { return file(name, "") }

func (i item) mode(mode int64) item {
	i.Mode = mode
	return i
}

func (i item) owner(uid, gid int) item {
	i.Uid, i.Gid = uid, gid
	return i
}

func (i item) xattr(name, value string) item {
	i.PAXRecords = map[string]string{xattrPrefix + name: value}
	return i
}

// layer is a layer's archive, as a list of entries.
type layer []item

func (l layer) tar(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, i := range l {
		h := i.Header
		h.Size = int64(len(i.content))
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, i.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gzipped(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(data)
	if err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zstded(t testing.TB, data []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	return w.EncodeAll(data, nil)
}

// imageOf returns an image with these layers, all of them read.
func imageOf(t testing.TB, name string, layers ...layer) *Image {
	t.Helper()
	img := &Image{Reference: name, Digest: digest.FromString(name), Manifest: digest.FromString("manifest of " + name)}
	var err error
	if img.config, err = readConfig([]byte("{}")); err != nil {
		t.Fatal(err)
	}
	for _, l := range layers {
		data := l.tar(t)
		root, err := readLayer(bytes.NewReader(data), &img.usage)
		if err != nil {
			t.Fatal(err)
		}
		img.Layers = append(img.Layers, Layer{Digest: digest.FromBytes(data), Size: int64(len(data)), root: root})
		img.Size += int64(len(data))
	}
	return img
}

// listing returns an image's entries as lines of text.
func listing(t testing.TB, img *Image) []string {
	t.Helper()
	var all []string
	for _, l := range fileLines(Compare(imageOf(t, "nothing"), img).Files, true) {
		all = append(all, fmt.Sprintf("%c %s: %s", l.sign, l.path, l.text))
	}
	return all
}

// wantLines compares lines.
func wantLines(t *testing.T, got, want []string) {
	t.Helper()
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("got:\n%s\nwant:\n%s", g, w)
	}
}
