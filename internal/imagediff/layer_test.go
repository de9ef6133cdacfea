package imagediff

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
)

func TestTree(t *testing.T) {
	tests := []struct {
		name   string
		layers []layer
		want   []string
	}{
		{name: "no layers"},
		{name: "an empty layer", layers: []layer{{}}},
		{name: "every type", layers: []layer{{
			dir("d", 0o1777), file("d/f", "1234").mode(0o4755).owner(1000, 100).xattr("security.capability", "\x01\x00"),
			symlink("d/s", "../x").owner(1, 2).mode(0o644), device("d/c", tar.TypeChar, 1, 3), device("d/b", tar.TypeBlock, 8, 0), device("d/p", tar.TypeFifo, 0, 0),
		}}, want: []string{
			"+ /d: directory 1777 0:0", "+ /d/b: block device 0666 0:0, 8:0", "+ /d/c: character device 0666 0:0, 1:3",
			"+ /d/f: file 4755 1000:100, 4 B, xattr security.capability", "+ /d/p: fifo 0666 0:0", "+ /d/s: symlink to ../x, 1:2",
		}},
		{name: "directories without entries", layers: []layer{{file("a/b/c", "1")}}, want: []string{
			"+ /a: directory 0755 0:0", "+ /a/b: directory 0755 0:0", "+ /a/b/c: file 0644 0:0, 1 B",
		}},
		{name: "a directory whose entry follows its content", layers: []layer{{file("a/b", "1"), dir("a", 0o700)}}, want: []string{
			"+ /a: directory 0700 0:0", "+ /a/b: file 0644 0:0, 1 B",
		}},
		{name: "unclean names", layers: []layer{{dir(".", 0o755), dir("./a", 0o755), file("/a/./b", "1"), file("../../c", "2")}},
			want: []string{"+ /a: directory 0755 0:0", "+ /a/b: file 0644 0:0, 1 B", "+ /c: file 0644 0:0, 1 B"}},
		{name: "the root's mode", layers: []layer{{dir(".", 0o700)}}, want: []string{"~ /: mode 0755 -> 0700"}},
		{name: "a file twice", layers: []layer{{file("a", "1"), file("a", "12")}}, want: []string{"+ /a: file 0644 0:0, 2 B"}},
		{name: "a file again", layers: []layer{{file("a", "1").xattr("user.x", "1")}, {file("a", "12")}}, want: []string{"+ /a: file 0644 0:0, 2 B"}},
		{name: "a directory again", layers: []layer{{dir("a", 0o755), file("a/b", "1")}, {dir("a", 0o700)}},
			want: []string{"+ /a: directory 0700 0:0", "+ /a/b: file 0644 0:0, 1 B"}},
		{name: "a file over a directory", layers: []layer{{file("a/b", "1")}, {file("a", "1")}}, want: []string{"+ /a: file 0644 0:0, 1 B"}},
		{name: "a file over a directory, at once", layers: []layer{{file("a/b", "1"), file("a", "1")}}, want: []string{"+ /a: file 0644 0:0, 1 B"}},
		{name: "a directory over a file", layers: []layer{{file("a", "1")}, {dir("a", 0o700)}}, want: []string{"+ /a: directory 0700 0:0"}},
		{name: "a directory over a file over a directory", layers: []layer{{file("a/b", "1")}, {file("a", "1")}, {dir("a", 0o700)}},
			want: []string{"+ /a: directory 0700 0:0"}},
		{name: "a directory over a file over a directory, at once", layers: []layer{{file("a/b", "1")}, {file("a", "1"), dir("a", 0o700)}},
			want: []string{"+ /a: directory 0700 0:0"}},
		{name: "below a symlink", layers: []layer{{symlink("bin", "usr/bin"), file("usr/bin/sh", "1")}, {file("bin/x", "1")}}, want: []string{
			"+ /bin: directory 0755 0:0", "+ /bin/x: file 0644 0:0, 1 B", "+ /usr: directory 0755 0:0", "+ /usr/bin: directory 0755 0:0",
			"+ /usr/bin/sh: file 0644 0:0, 1 B",
		}},
		{name: "below a symlink, at once", layers: []layer{{file("bin/sh", "1")}, {symlink("bin", "usr/bin"), file("bin/x", "1")}},
			want: []string{"+ /bin: directory 0755 0:0", "+ /bin/x: file 0644 0:0, 1 B"}},
		{name: "whiteout", layers: []layer{{file("a/b", "1"), file("a/c", "1")}, {dir("a", 0o755), whiteout("a/.wh.b")}},
			want: []string{"+ /a: directory 0755 0:0", "+ /a/c: file 0644 0:0, 1 B"}},
		{name: "whiteout of a directory", layers: []layer{{file("a/b/c", "1"), file("a/d", "1")}, {whiteout("a/.wh.b")}},
			want: []string{"+ /a: directory 0755 0:0", "+ /a/d: file 0644 0:0, 1 B"}},
		{name: "whiteout of a missing file", layers: []layer{{file("a", "1")}, {whiteout(".wh.b")}}, want: []string{"+ /a: file 0644 0:0, 1 B"}},
		{name: "added after a whiteout", layers: []layer{{file("a/b", "1")}, {whiteout(".wh.a")}, {file("a/c", "1")}},
			want: []string{"+ /a: directory 0755 0:0", "+ /a/c: file 0644 0:0, 1 B"}},
		{name: "whiteouts do not affect their own layer", layers: []layer{{file("a/b", "1"), file("f", "1")},
			{dir("a", 0o700), file("a/c", "1"), whiteout(".wh.a"), file("f", "12"), whiteout(".wh.f")}},
			want: []string{"+ /a: directory 0700 0:0", "+ /a/c: file 0644 0:0, 1 B", "+ /f: file 0644 0:0, 2 B"}},
		{name: "opaque", layers: []layer{{dir("a", 0o700), file("a/b/c", "1")}, {whiteout("a/.wh..wh..opq"), file("a/d", "1")}},
			want: []string{"+ /a: directory 0700 0:0", "+ /a/d: file 0644 0:0, 1 B"}},
		{name: "opaque whiteout as the last entry", layers: []layer{{file("a/b", "1")}, {dir("a", 0o711), file("a/d", "1"), whiteout("a/.wh..wh..opq")}},
			want: []string{"+ /a: directory 0711 0:0", "+ /a/d: file 0644 0:0, 1 B"}},
		{name: "metadata of aufs", layers: []layer{{whiteout(".wh..wh.aufs"), whiteout(".wh..wh.plnk"), file("a", "1")}}, want: []string{"+ /a: file 0644 0:0, 1 B"}},
		{name: "global header", layers: []layer{{
			item{Header: tar.Header{Typeflag: tar.TypeXGlobalHeader, Name: "pax_global_header", PAXRecords: map[string]string{"comment": "x"}}}, file("a", "1"),
		}}, want: []string{"+ /a: file 0644 0:0, 1 B"}},
		{name: "hard link", layers: []layer{{file("a", "123").owner(1, 2).mode(0o600), hardlink("b", "./a"), symlink("s", "t"), hardlink("h", "/s")}},
			want: []string{"+ /a: file 0600 1:2, 3 B", "+ /b: file 0600 1:2, 3 B", "+ /h: symlink to t, 0:0", "+ /s: symlink to t, 0:0"}},
		{name: "hard link whose target changes", layers: []layer{{file("a", "123"), hardlink("b", "a")}, {file("a", "1")}},
			want: []string{"+ /a: file 0644 0:0, 1 B", "+ /b: file 0644 0:0, 3 B"}},
		{name: "hard link into a lower layer", layers: []layer{{file("d/a", "123")}, {file("x", "1"), hardlink("b", "d/a"), hardlink("c", "b"), whiteout("d/.wh.a")}},
			want: []string{"+ /b: file 0644 0:0, 3 B", "+ /c: file 0644 0:0, 3 B", "+ /d: directory 0755 0:0", "+ /x: file 0644 0:0, 1 B"}},
		{name: "hard link below which a file is put", layers: []layer{{file("a", "123")}, {hardlink("b", "a"), file("b/c", "1")}},
			want: []string{"+ /a: file 0644 0:0, 3 B", "+ /b: directory 0755 0:0", "+ /b/c: file 0644 0:0, 1 B"}},
		{name: "hard link to a missing file", layers: []layer{{hardlink("b", "a b")}},
			want: []string{`+ /b: hard link to "/a b", which does not exist`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			wantLines(t, listing(t, imageOf(t, "it", tt.layers...)), tt.want)
		})
	}
}

func TestReadLayer(t *testing.T) {
	plain := layer{file("a", "1"), file("b", "2")}.tar(t)
	unknown := slices.Clone(plain)
	unknown[156] = 'Z'
	resum(unknown[:512])
	damaged := gzipped(t, plain)
	damaged[12] ^= 0xff
	tests := []struct {
		name string
		data []byte
		want []string
		err  string
	}{
		{name: "nothing"},
		{name: "plain", data: plain, want: []string{"a", "b"}},
		{name: "gzip", data: gzipped(t, plain), want: []string{"a", "b"}},
		{name: "gzip in several members", data: slices.Concat(gzipped(t, plain[:700]), gzipped(t, plain[700:])), want: []string{"a", "b"}},
		{name: "zstd", data: zstded(t, plain), want: []string{"a", "b"}},
		{name: "zstd with a skippable frame", data: slices.Concat([]byte{0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 9, 9}, zstded(t, plain)), want: []string{"a", "b"}},
		{name: "not an archive", data: bytes.Repeat([]byte("no archive "), 100), err: "invalid tar header"},
		{name: "cut off", data: plain[:512], err: "unexpected EOF"},
		{name: "gzip that is cut off", data: gzipped(t, plain)[:40], err: "unexpected EOF"},
		{name: "gzip that is damaged", data: damaged, err: "flate: corrupt input"},
		{name: "zstd that is cut off", data: zstded(t, plain)[:12], err: "unexpected EOF"},
		{name: "an unknown type", data: unknown, err: "a: unknown entry type 'Z'"},
		{name: "a whiteout without a name", data: layer{whiteout("a/.wh.")}.tar(t), err: "a/.wh.: a whiteout without a name"},
		{name: "a whiteout of the parent", data: layer{whiteout("a/.wh...")}.tar(t), err: "a/.wh...: a whiteout without a name"},
		{name: "a name with an escape", data: layer{whiteout("\x1b[2J/.wh.")}.tar(t), err: `"\033[2J/.wh.": a whiteout`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root, err := readLayer(bytes.NewReader(tt.data), &usage{})
			if projecttest.WantError(t, err, tt.err) {
				return
			}
			var got []string
			for name := range root.children {
				got = append(got, name)
			}
			slices.Sort(got)
			wantLines(t, got, tt.want)
		})
	}
}

// resum updates a header's checksum.
func resum(header []byte) {
	copy(header[148:156], "        ")
	sum := 0
	for _, c := range header {
		sum += int(c)
	}
	copy(header[148:156], []byte{byte('0' + sum>>15&7), byte('0' + sum>>12&7), byte('0' + sum>>9&7), byte('0' + sum>>6&7), byte('0' + sum>>3&7), byte('0' + sum&7), 0, ' '})
}

// TestReadLayerPassesErrorsOn checks that a broken transfer is not reported as a broken archive.
func TestReadLayerPassesErrorsOn(t *testing.T) {
	broken := errors.New("broken transfer")
	data := gzipped(t, layer{file("a", "1")}.tar(t))
	for _, n := range []int{0, 3, 20} {
		if _, err := readLayer(io.MultiReader(bytes.NewReader(data[:n]), failing{broken}), &usage{}); !errors.Is(err, broken) {
			t.Errorf("after %d bytes: got %v", n, err)
		}
	}
}

type failing struct{ error }

func (f failing) Read([]byte) (int, error) { return 0, f.error }
