package tags

import (
	"fmt"
	"path/filepath"
	"testing"
)

// manyFiles creates a tree of n files of 4 KiB, 100 in each directory.
func manyFiles(tb testing.TB, n int) string {
	tb.Helper()
	entries := make([]entry, n)
	for i := range entries {
		e := file(fmt.Sprintf("d%03d/f%d.py", i/100, i), "")
		e.Content = fmt.Appendf(make([]byte, 0, 4096), "%4096d", i)
		entries[i] = e
	}
	root := filepath.Join(tb.TempDir(), "root")
	makeTree(tb, "", root, entries)
	return root
}

// BenchmarkDigest measures the source of a large agent: 20,000 files of 4 KiB.
func BenchmarkDigest(b *testing.B) {
	const files = 20_000
	root := manyFiles(b, files)
	in := Inputs{Base: "debian", Version: "1", Source: Source{Paths: wholeTree.Paths, Original: true}}
	b.SetBytes(files * 4096)
	for b.Loop() {
		if _, _, err := Compute(b.Context(), root, in); err != nil {
			b.Fatal(err)
		}
	}
}
