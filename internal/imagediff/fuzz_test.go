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

// FuzzLayer reads arbitrary streams as layers. A valid one gives an image with at most as many entries as were counted, and
// the image equals itself.
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
		root, err := readLayer(bytes.NewReader(data), &img.usage)
		if err != nil {
			return
		}
		img.Layers = []Layer{{Digest: "a", root: root}}
		d := Compare(&Image{Manifest: "b"}, img)
		if int64(len(d.Files)) > img.usage.entries.Load()+1 {
			t.Fatalf("%d files of %d entries", len(d.Files), img.usage.entries.Load())
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
			t.Fatalf("an image differs from itself: %+v", same.Files)
		}
	})
}

// FuzzConfig reads arbitrary configs. A valid one equals itself, and its changes are sorted.
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
			t.Fatalf("a config differs from itself: %v", changes)
		}
		added := configChanges(map[field]any{}, c.facts)
		if len(added) != len(c.facts) || !slices.IsSortedFunc(added, func(a, b ConfigChange) int {
			return compareFields(field{a.Field, a.Key}, field{b.Field, b.Key})
		}) {
			t.Fatalf("%v", added)
		}
	})
}
