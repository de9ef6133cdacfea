package imagediff

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/registry"
	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
)

// pax sets arbitrary PAX records, as a hostile archive may have them.
func (i item) pax(records map[string]string) item {
	i.PAXRecords = records
	i.Format = tar.FormatPAX
	return i
}

// retained returns how many bytes a value keeps, and how many were allocated to make it.
func retained(make func() any) (kept, made uint64) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.GC() // frees what the first one finalizes
	runtime.ReadMemStats(&before)
	value := make()
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(value)
	return after.HeapAlloc - min(before.HeapAlloc, after.HeapAlloc), after.TotalAlloc - before.TotalAlloc
}

// TestHostileLayers reads layers that would take gigabytes. Each must be refused before much memory is allocated.
func TestHostileLayers(t *testing.T) {
	components := strings.Repeat("a/", 400_000)
	attributes := map[string]string{}
	for n := range 6 {
		attributes[fmt.Sprintf("%suser.%d", xattrPrefix, n)] = strings.Repeat("x", 60<<10)
	}
	tests := []struct {
		name string
		item item
		err  string
	}{
		{"a path of 400,000 components", file(components+"f", ""),
			"...: a path is 800001 bytes long, and 4096 is the limit of rtbuild-client diff"},
		{"a link's target", symlink("a", components+"f"), "a: a link's target is 800001 bytes long, and 4096 is"},
		{"a name", file(strings.Repeat("n", 256), ""), "...: a name is 256 bytes long, and 255 is"},
		{"an attribute of 1 MB", file("a", "").xattr("user.x", strings.Repeat("x", 1_000_000)), "a: an extended attribute is 1000000 bytes long, and 65536 is"},
		{"an attribute's name", file("a", "").xattr(strings.Repeat("n", 300), "x"), "a: an extended attribute's name is 300 bytes long, and 255 is"},
		{"many attributes", file("a", "").pax(attributes), "a: the extended attributes are 368676 bytes long together, and 262144 is"},
		{"a whiteout in a long path", whiteout(strings.Repeat("a/", 3000) + ".wh.b"), "...: a path is 6005 bytes long, and 4096 is"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			data := gzipped(t, layer{test.item}.tar(t))
			_, made := retained(func() any {
				root, err := readLayer(bytes.NewReader(data), &usage{})
				if !projecttest.WantError(t, err, test.err) || !errors.Is(err, ErrLimit) || len(err.Error()) > 500 {
					t.Errorf("got %v", err)
				}
				return root
			})
			if made > 16<<20 {
				t.Errorf("%d bytes were allocated", made)
			}
		})
	}
}

// TestWithinLimits checks that a layer at the limits of Linux is read.
func TestWithinLimits(t *testing.T) {
	long := strings.Repeat(strings.Repeat("n", 255)+"/", 15) + strings.Repeat("m", 255)
	root, err := readLayer(bytes.NewReader(layer{
		file(long, "1").xattr("user.x", strings.Repeat("x", 64<<10)), symlink("s", strings.Repeat("t", 4096)), file(strings.Repeat("d/", 2000)+"f", ""),
	}.tar(t)), &usage{})
	if err != nil || root.find(long) == nil {
		t.Error(err)
	}
}

// TestLimitsOfAnImage checks that the limits of entries and memory apply to all layers of an image together.
func TestLimitsOfAnImage(t *testing.T) {
	one := layer{file("a/b", "1"), file("a/c", "1"), dir("a", 0o700), whiteout("a/.wh.d"), hardlink("a/e", "a/b")} // 5 entries
	tests := []struct {
		name            string
		entries, memory int64
		err             string
	}{
		{"enough", maxEntries - 5, 0, ""},
		{"an entry too many", maxEntries - 4, 0, "a/e: the image has more entries, and 2000000 is the limit of rtbuild-client diff"},
		{"a byte too many", 0, maxMemory - 5*entryCost, "a/e: the image's entries take more memory, and 1 GiB is the limit of rtbuild-client diff"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var u usage
			u.entries.Store(test.entries)
			u.memory.Store(test.memory)
			_, err := readLayer(bytes.NewReader(one.tar(t)), &u)
			if projecttest.WantError(t, err, test.err) && !errors.Is(err, ErrLimit) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestEntryCost compares the estimated memory of entries with the real one, including the result of a comparison, for trees of
// different shapes.
func TestEntryCost(t *testing.T) {
	const n = 6_000
	shapes := map[string]func(i int) item{
		"wide": func(i int) item { return file(fmt.Sprintf("usr/lib/python3/%d/file-%d.py", i/300, i), "") },
		"deep": func(i int) item {
			return file(fmt.Sprintf("%d/%sf", i%300, strings.Repeat(fmt.Sprint(i/300, "/"), 30)), "")
		},
		"attributes": func(i int) item {
			return file(fmt.Sprintf("%d/%d", i/300, i), "").xattr("user.x", strings.Repeat("x", 200))
		},
		"links with large headers": func(i int) item {
			return symlink(fmt.Sprintf("%d/%d", i/300, i), fmt.Sprintf("%0110d", i)).pax(map[string]string{"comment": strings.Repeat("x", 4000)})
		},
		"whiteout": func(i int) item { return whiteout(fmt.Sprintf("%d/.wh.%d", i/300, i)) },
	}
	for name, shape := range shapes {
		t.Run(name, func(t *testing.T) {
			data := shaped(t, n, shape)
			img := &Image{Manifest: "a"}
			kept, _ := retained(func() any {
				root, err := readLayer(bytes.NewReader(data), &img.usage)
				if err != nil {
					t.Fatal(err)
				}
				img.Layers = []Layer{{Digest: "a", root: root}}
				return []any{img, Compare(&Image{}, img)}
			})
			runtime.KeepAlive(data)
			estimate := uint64(img.usage.memory.Load())
			t.Logf("%d entries: %d bytes each are kept, %d are estimated", img.usage.entries.Load(), kept/uint64(img.usage.entries.Load()), estimate/uint64(img.usage.entries.Load()))
			if kept > estimate || kept < estimate/5 {
				t.Errorf("%d bytes are kept, and %d are estimated", kept, estimate)
			}
		})
	}
}

// shaped returns the archive of a layer with n items.
func shaped(t *testing.T, n int, shape func(i int) item) []byte {
	var items layer
	for i := range n {
		items = append(items, shape(i))
	}
	return items.tar(t)
}

// TestDiffLimitError checks that the error names the image, the layer, what is too large, and the limit.
func TestDiffLimitError(t *testing.T) {
	reg, reader := registryFor(t)
	hostile := gzipBlobs(t, layer{file(strings.Repeat("a/", 400_000)+"f", "")})
	plain, bomb := push(t, reg, "it:1", ocispecs.Image{}, gzipBlobs(t, layer{file("a", "1")})...), push(t, reg, "it:2", ocispecs.Image{}, hostile...)
	_, err := reader.Diff(t.Context(), plain, bomb)
	if !projecttest.WantError(t, err, "reading the layer "+hostile[0].Digest.String()+" of "+bomb+": a/a/") || !errors.Is(err, ErrLimit) {
		t.Errorf("got %v", err)
	}
	_, err = reader.image(t.Context(), &registry.Image{Reference: plain, Layers: make([]ocispecs.Descriptor, maxLayers+1)})
	if !projecttest.WantError(t, err, plain+": the image has 1001 layers, and 1000 is the limit of rtbuild-client diff") || !errors.Is(err, ErrLimit) {
		t.Errorf("got %v", err)
	}
}
