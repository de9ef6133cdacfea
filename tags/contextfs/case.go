package contextfs

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// foldsCase reports whether file systems of an operating system usually find a file by its name in another case, too.
func foldsCase(system string) bool { return system == "darwin" || system == "windows" }

// CheckCase returns fs.ErrNotExist if a path below a directory exists, but its name is written in another case. So a project that
// names a file wrongly fails on macOS and Windows as it does on Linux. The path is slash-separated. On Linux it always returns nil.
func CheckCase(dir, name string) error {
	if !foldsCase(runtime.GOOS) {
		return nil
	}
	return checkListed(dir, name)
}

// checkListed returns fs.ErrNotExist unless every component of a path is in the listing of its directory.
func checkListed(dir, name string) error {
	for part := range strings.SplitSeq(name, "/") {
		if part == "." || part == ".." {
			dir = filepath.Join(dir, part)
			continue
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == part }) {
			return fs.ErrNotExist
		}
		dir = filepath.Join(dir, part)
	}
	return nil
}
