package imagediff

import (
	"archive/tar"
	"fmt"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing"
)

// forget marks the first n layers of two images as unread.
func forget(a, b *Image, n int) {
	for i := range n {
		a.Layers[i].root, b.Layers[i].root = nil, nil
	}
}

var compareTests = []struct {
	name   string
	shared []layer // layers that both images begin with
	from   []layer
	to     []layer
	want   []string
	reads  int // number of shared layers that must be read
}{
	{name: "nothing", shared: []layer{{file("a", "1")}}},
	{name: "the same in other layers", from: []layer{{file("a", "1")}, {file("b", "1")}}, to: []layer{{file("b", "1"), file("a", "1")}}},
	{name: "each aspect",
		from: []layer{{
			file("mode", ""), file("owner", ""), file("size", "1"), file("content", "1"), symlink("target", "a"), device("device", tar.TypeChar, 1, 3),
			file("xattr", "").xattr("user.a", "1"), dir("type", 0o755), dir("d", 0o755), file("many", "1"),
		}},
		to: []layer{{
			file("mode", "").mode(0o4755), file("owner", "").owner(1000, 0), file("size", "12"), file("content", "2"), symlink("target", "a b"),
			device("device", tar.TypeChar, 1, 5), file("xattr", "").xattr("user.a", "\x00"), symlink("type", "x"), dir("d", 0o700).owner(0, 5),
			file("many", "2").mode(0o600).owner(1, 1),
		}},
		want: []string{
			"~ /content: content (1 byte)", "~ /d: mode 0755 -> 0700, owner 0:0 -> 0:5", "~ /device: device 1:3 -> 1:5",
			"~ /many: mode 0644 -> 0600, owner 0:0 -> 1:1, content (1 byte)", "~ /mode: mode 0644 -> 4755", "~ /owner: owner 0:0 -> 1000:0",
			"~ /size: size 1 -> 2 bytes", `~ /target: target a -> "a b"`, "~ /type: directory 0755 0:0 -> symlink to x, 0:0",
			`~ /xattr: xattr user.a "1" -> 0x00`,
		}},
	{name: "extended attributes", from: []layer{{file("a", "").xattr("user.a", "1"), file("b", "")}},
		to:   []layer{{file("a", ""), file("b", "").xattr("security.capability", "\x01\x00\x00\x02\x00\x20"+strings.Repeat("\x00", 40))}},
		want: []string{`~ /a: xattr user.a "1" -> none`, "~ /b: xattr security.capability none -> 0x010000020020" + strings.Repeat("00", 34) + "..."}},
	{name: "a directory and a file", from: []layer{{file("a/b/c", "1"), file("x", "1")}}, to: []layer{{file("a", "1"), file("x/y", "1")}}, want: []string{
		"~ /a: directory 0755 0:0 -> file 0644 0:0, 1 B", "- /a/b: directory 0755 0:0", "- /a/b/c: file 0644 0:0, 1 B",
		"~ /x: file 0644 0:0, 1 B -> directory 0755 0:0", "+ /x/y: file 0644 0:0, 1 B",
	}},
	{name: "both change the same path", shared: []layer{{file("a", "1"), file("b", "1")}}, from: []layer{{file("a", "12")}}, to: []layer{{file("a", "123")}},
		want: []string{"~ /a: size 2 -> 3 bytes"}},
	{name: "both make the same change", shared: []layer{{file("a", "1")}}, from: []layer{{file("a", "12")}}, to: []layer{{file("a", "1"), file("a", "12")}}},
	{name: "both remove a file", shared: []layer{{file("a/b", "1")}}, from: []layer{{whiteout("a/.wh.b")}}, to: []layer{{whiteout("a/.wh.b"), file("c", "1")}, {whiteout(".wh.c")}},
		reads: 1}, // for /c
	{name: "both empty the directory", shared: []layer{{file("a/b", "1")}}, from: []layer{{whiteout("a/.wh..wh..opq"), file("a/x", "1")}},
		to:   []layer{{whiteout(".wh.a")}, {dir("a", 0o755), file("a/y", "1")}},
		want: []string{"- /a/x: file 0644 0:0, 1 B", "+ /a/y: file 0644 0:0, 1 B"}, reads: 1}, // for /a itself
	{name: "one adds", shared: []layer{{file("x", "1")}, {file("y", "1")}, {file("z", "1")}}, to: []layer{{file("a", "1")}},
		want: []string{"+ /a: file 0644 0:0, 1 B"}, reads: 3},
	{name: "one adds a file that existed", shared: []layer{{file("x", "1")}, {file("a", "1")}, {file("z", "1")}}, to: []layer{{file("a", "1")}}, reads: 2},
	{name: "one changes", shared: []layer{{file("x", "1")}, {file("a", "1")}, {file("a", "12")}}, from: []layer{{file("a", "1")}},
		want: []string{"~ /a: size 1 -> 2 bytes"}, reads: 1},
	{name: "one removes a file", shared: []layer{{file("x", "1")}, {dir("d", 0o755), file("d/a", "1")}}, to: []layer{{dir("d", 0o755), whiteout("d/.wh.a")}},
		want: []string{"- /d/a: file 0644 0:0, 1 B"}, reads: 1},
	{name: "one removes a file that did not exist", shared: []layer{{file("x", "1")}, {file("y", "1")}}, to: []layer{{whiteout(".wh.a")}}, reads: 2},
	{name: "one removes a directory", shared: []layer{{file("d/a", "1")}, {dir("d", 0o700), file("d/b", "1")}}, to: []layer{{whiteout(".wh.d")}},
		want: []string{"- /d: directory 0700 0:0", "- /d/a: file 0644 0:0, 1 B", "- /d/b: file 0644 0:0, 1 B"}, reads: 2},
	{name: "one removes a directory that hides the rest", shared: []layer{{file("d/a", "1")}, {dir("d", 0o700), whiteout("d/.wh..wh..opq"), file("d/b", "1")}},
		from: []layer{{whiteout(".wh.d")}}, want: []string{"+ /d: directory 0700 0:0", "+ /d/b: file 0644 0:0, 1 B"}, reads: 1},
	{name: "one empties a directory", shared: []layer{{dir("d", 0o755), file("d/a/b", "1"), file("d/c", "1")}},
		to:   []layer{{dir("d", 0o755), whiteout("d/.wh..wh..opq"), file("d/c", "1")}},
		want: []string{"- /d/a: directory 0755 0:0", "- /d/a/b: file 0644 0:0, 1 B"}, reads: 1},
	{name: "one empties a directory without an entry for it", shared: []layer{{file("x", "1")}, {dir("d", 0o755), file("d/a", "1")}},
		to: []layer{{whiteout("d/.wh..wh..opq")}}, want: []string{"- /d/a: file 0644 0:0, 1 B"}, reads: 2},
	{name: "one puts a file over a directory", shared: []layer{{file("d/a", "1")}}, to: []layer{{file("d", "1")}},
		want: []string{"~ /d: directory 0755 0:0 -> file 0644 0:0, 1 B", "- /d/a: file 0644 0:0, 1 B"}, reads: 1},
	{name: "one puts something below a symlink", shared: []layer{{file("usr/bin/sh", "1"), symlink("bin", "usr/bin")}}, to: []layer{{file("bin/x", "1")}},
		want: []string{"~ /bin: symlink to usr/bin, 0:0 -> directory 0755 0:0", "+ /bin/x: file 0644 0:0, 1 B"}, reads: 1},
	{name: "one links to an existing file", shared: []layer{{file("x", "1")}, {file("d/a", "123")}}, to: []layer{{hardlink("d/b", "d/a")}},
		want: []string{"+ /d/b: file 0644 0:0, 3 B"}, reads: 2},
	{name: "one links to an existing file, the other has a copy", shared: []layer{{file("x", "1")}, {file("d/a", "123")}},
		from: []layer{{file("d/b", "123")}}, to: []layer{{hardlink("d/b", "d/a")}}, reads: 1},
	{name: "both link to an existing file", shared: []layer{{file("a", "1")}}, from: []layer{{hardlink("b", "a")}}, to: []layer{{file("b", "1"), hardlink("b", "a")}}},
	{name: "one begins with the other", shared: []layer{{dir("d", 0o755), file("d/a", "1")}}, to: []layer{{dir("d", 0o755), file("d/a", "2")}},
		want: []string{"~ /d/a: content (1 byte)"}, reads: 1},
	{name: "a directory that only one has", to: []layer{{dir("d", 0o755), file("d/a", "1"), file("d/b/c", "1"), file("da", "1")}},
		want: []string{"+ /d: directory 0755 0:0", "+ /d/a: file 0644 0:0, 1 B", "+ /d/b: directory 0755 0:0", "+ /d/b/c: file 0644 0:0, 1 B", "+ /da: file 0644 0:0, 1 B"}},
}

func TestCompare(t *testing.T) {
	for _, tt := range compareTests {
		t.Run(tt.name, func(t *testing.T) {
			a := imageOf(t, "a", slices.Concat(tt.shared, tt.from)...)
			b := imageOf(t, "b", slices.Concat(tt.shared, tt.to)...)
			d, reads := settled(a, b)
			wantLines(t, lines(d), tt.want)
			if reads != tt.reads {
				t.Errorf("%d shared layers were read, want %d", reads, tt.reads)
			}
			if d.Equal() != (tt.want == nil) {
				t.Errorf("equal: %v", d.Equal())
			}
		})
	}
}

// settled compares two images whose shared layers are unread. It reads shared layers as Reader.Diff does, and returns their
// number.
func settled(a, b *Image) (*Diff, int) {
	n := shared(a, b)
	roots := map[int]*node{}
	for i := range n {
		roots[i] = a.Layers[i].root
	}
	forget(a, b, n)
	d := Compare(a, b)
	for i := n - 1; i >= 0; i-- {
		if _, unknown := d.unknown(); !unknown {
			return d, n - 1 - i
		}
		a.Layers[i].root, b.Layers[i].root = roots[i], roots[i]
		d = Compare(a, b)
	}
	return d, n
}

func lines(d *Diff) []string {
	var all []string
	for _, l := range fileLines(d.Files, true) {
		all = append(all, fmt.Sprintf("%c %s: %s", l.sign, l.path, l.text))
	}
	return all
}

// TestCompareUnread checks what is unknown while the shared layers are unread.
func TestCompareUnread(t *testing.T) {
	base := layer{file("d/a", "1")}
	tests := []struct {
		name     string
		from, to []layer
		want     []string
	}{
		{name: "an added directory", to: []layer{{dir("e", 0o755), file("e/a", "1")}},
			want: []string{"? /e: as in the shared layers -> directory 0755 0:0", "? /e/a: as in the shared layers -> file 0644 0:0, 1 B"}},
		{name: "a file added to a directory without an entry", to: []layer{{file("d/b", "1")}}, want: []string{"? /d/b: as in the shared layers -> file 0644 0:0, 1 B"}},
		{name: "a removed directory", from: []layer{{whiteout(".wh.d")}}, want: []string{"? /d: nothing -> as in the shared layers"}},
		{name: "an emptied directory", to: []layer{{dir("d", 0o755), whiteout("d/.wh..wh..opq")}}, from: []layer{{dir("d", 0o755)}},
			want: []string{"? /d: other content: as in the shared layers -> nothing"}},
		{name: "a directory replaced by a file", to: []layer{{file("d", "1")}}, want: []string{"? /d: as in the shared layers -> file 0644 0:0, 1 B"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, b := imageOf(t, "a", append([]layer{base}, tt.from...)...), imageOf(t, "b", append([]layer{base}, tt.to...)...)
			forget(a, b, 1)
			d := Compare(a, b)
			wantLines(t, lines(d), tt.want)
			if d.Equal() {
				t.Error("images with unknown differences are equal")
			}
		})
	}
}

// TestCompareAgreesWithUnpacking compares random images, and checks the result by unpacking them. Shared layers are read only
// if necessary.
func TestCompareAgreesWithUnpacking(t *testing.T) {
	for seed := range uint64(1000) {
		r := rand.New(rand.NewPCG(seed, 0))
		base := randomLayers(r)
		from, to := append(slices.Clone(base), randomLayers(r)...), append(slices.Clone(base), randomLayers(r)...)
		d, _ := settled(imageOf(t, "a", from...), imageOf(t, "b", to...))
		want := differences(unpack(from), unpack(to))
		var got []string
		for _, f := range d.Files {
			got = append(got, fmt.Sprintf("%s %s", f.Kind, f.Path))
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Fatalf("seed %d:\n%+v\nand\n%+v\ngot:\n%s\nwant:\n%s", seed, from, to, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

func randomLayers(r *rand.Rand) []layer {
	all := make([]layer, r.IntN(4))
	for i := range all {
		all[i] = make(layer, 1+r.IntN(5))
		for j := range all[i] {
			all[i][j] = randomItem(r)
		}
	}
	return all
}

// randomItem returns an entry with up to three components of three names in its path, so that paths often coincide.
func randomItem(r *rand.Rand) item {
	names := make([]string, 1+r.IntN(3))
	for i := range names {
		names[i] = string(rune('a' + r.IntN(3)))
	}
	name := path.Join(names...)
	switch r.IntN(7) {
	case 0, 1:
		return dir(name, []int64{0o755, 0o700}[r.IntN(2)])
	case 2:
		return symlink(name, "a")
	case 3:
		return whiteout(path.Join(path.Dir(name), ".wh."+path.Base(name)))
	case 4:
		return whiteout(path.Join(name, ".wh..wh..opq"))
	}
	return file(name, []string{"1", "2"}[r.IntN(2)])
}

// unpack applies layers on top of each other as a file system would, in a map from paths to content. It applies a layer's
// whiteouts before its other entries.
func unpack(layers []layer) map[string]string {
	const implied = "5 755 "
	tree := map[string]string{"/": implied}
	remove := func(name string) {
		maps.DeleteFunc(tree, func(p, _ string) bool { return p != "/" && strings.HasPrefix(p+"/", strings.TrimSuffix(name, "/")+"/") })
	}
	var parents func(name string)
	parents = func(name string) {
		if name == "/" || strings.HasPrefix(tree[name], "5") {
			return
		}
		parents(path.Dir(name))
		remove(name)
		tree[name] = implied
	}
	for _, l := range layers {
		for _, i := range l {
			switch name, base := path.Clean("/"+i.Name), path.Base(i.Name); {
			case base == whiteoutOpaque:
				is, there := tree[path.Dir(name)]
				remove(path.Dir(name))
				if there && strings.HasPrefix(is, "5") {
					tree[path.Dir(name)] = is
				}
			case strings.HasPrefix(base, whiteoutPrefix):
				remove(path.Join(path.Dir(name), base[len(whiteoutPrefix):]))
			}
		}
		for _, i := range l {
			name := path.Clean("/" + i.Name)
			parents(path.Dir(name))
			if strings.HasPrefix(path.Base(name), whiteoutPrefix) {
				continue
			}
			if i.Typeflag != tar.TypeDir || !strings.HasPrefix(tree[name], "5") {
				remove(name)
			}
			tree[name] = fmt.Sprintf("%c %o %s%s", i.Typeflag, i.Mode, i.Linkname, i.content)
		}
	}
	return tree
}

// differences returns the paths that differ between two trees, and how.
func differences(a, b map[string]string) []string {
	var all []string
	for name, is := range a {
		switch other, ok := b[name]; {
		case !ok:
			all = append(all, "removed "+name)
		case other != is:
			all = append(all, "changed "+name)
		}
	}
	for name := range b {
		if _, ok := a[name]; !ok {
			all = append(all, "added "+name)
		}
	}
	slices.Sort(all)
	return all
}
