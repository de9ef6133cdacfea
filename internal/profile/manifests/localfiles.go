package manifests

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/rtbuild/rtbuild/internal/projectfile"
)

// maxCopied limits the files of one directory that a lock file names. More are no library, and pnpm would say what it misses.
const maxCopied = 10_000

// filesBelow returns the files of a directory and its subdirectories, without node_modules and hidden directories.
func filesBelow(fsys fs.FS, dir string) []string {
	if !fs.ValidPath(dir) || dir == "." {
		return nil
	}
	var files []string
	_ = fs.WalkDir(fsys, dir, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil || len(files) > maxCopied:
			return fs.SkipDir
		case entry.IsDir() && (entry.Name() == "node_modules" || strings.HasPrefix(path.Base(name), ".")):
			return fs.SkipDir
		case entry.Type().IsRegular():
			files = append(files, name)
		}
		return nil
	})
	return files
}

// existing returns the files that the project has, sorted, each once. The root's manifest is not among them.
func existing(fsys fs.FS, files []string) []string {
	var all []string
	for _, file := range files {
		if file = path.Clean(file); file != PackageJSON && fs.ValidPath(file) && projectfile.Exists(fsys, file) {
			all = append(all, file)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
