package imagediff

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"path"
	"slices"
	"strings"
	"testing"
)

// FuzzLayer reads any stream as a layer: it is refused, or it gives an image of no more entries than were counted, that
// differs in nothing from itself.
func FuzzLayer(f *testing.F) {
	for _, l := range []layer{
		{file("a/b", "1").xattr("user.x", "y"), dir("a", 0o700), symlink("s", "../a"), hardlink("h", "a/b"), whiteout("a/.wh.c"), whiteout("b/.wh..wh..opq")},
		{hardlink("a", "b"), file("a/b", ""), hardlink("b", "a")}, {device("d", tar.TypeChar, 1, 3), device("p", tar.TypeFifo, 0, 0)}, {},
		{dir(".", 0o700), dir("..", 0o700), dir("/", 0o1777)}, {whiteout(".wh.."), whiteout(".wh.")}, {file(strings.Repeat("a/", 600)+"b", "1")},
	} {
		f.Add(l.tar(f))
		f.Add(gzipped(f, l.tar(f)))
		f.Add(zstded(f, l.tar(f)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		img := &Image{Manifest: "a"}
		root, err := readLayer(bytes.NewReader(data), &img.spent)
		if err != nil {
			return
		}
		img.Layers = []Layer{{Digest: "a", root: root}}
		d := Compare(&Image{Manifest: "b"}, img)
		if int64(len(d.Files)) > img.spent.entries.Load()+1 {
			t.Fatalf("%d files of %d entries", len(d.Files), img.spent.entries.Load())
		}
		for _, c := range d.Files {
			if path.Clean(c.Path) != c.Path || c.Kind == Removed || len(c.Path) > maxPath+1 || c.text() == "" {
				t.Fatalf("%+v", c)
			}
		}
		if _, err := json.Marshal(d); err != nil {
			t.Fatal(err)
		}
		again := &Image{Manifest: "c", Layers: []Layer{{Digest: "c", root: root}}}
		if same := Compare(img, again); !same.Equal() {
			t.Fatalf("the same differs: %+v", same.Files)
		}
	})
}

// FuzzConfig reads any config: it is refused, or differs in nothing from itself, and its changes are in one order.
func FuzzConfig(f *testing.F) {
	for _, seed := range []string{
		`{"architecture":"amd64","os":"linux","config":{"Env":["A=b","A=c","D"],"Labels":{"a":"b"},"Healthcheck":{"Interval":30000000000},"ExposedPorts":{"1/tcp":{}}},"history":[{"created":"x"},1],"rootfs":{}}`,
		`{"config":[]}`, `null`, `[]`, `{"Env":[{}]}`, `{"config":{"Cmd":[]},"Cmd":{"a":null}}`, `{"created":1e999}`, "{", "",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := readConfig(raw)
		if err != nil {
			return
		}
		if changes := configChanges(c.facts, c.facts); len(changes) != 0 {
			t.Fatalf("the same differs: %v", changes)
		}
		added := configChanges(map[field]any{}, c.facts)
		if len(added) != len(c.facts) || !slices.IsSortedFunc(added, func(a, b ConfigChange) int {
			return compareFields(field{a.Field, a.Key}, field{b.Field, b.Key})
		}) {
			t.Fatalf("%v", added)
		}
	})
}
