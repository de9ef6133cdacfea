package manifests

import (
	"io/fs"
	"path"
	"regexp"
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
	below, err := fs.Sub(fsys, dir) // a frontend lists other directories only in part
	if err != nil {
		return nil
	}
	var files []string
	_ = fs.WalkDir(below, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil || len(files) > maxCopied:
			return fs.SkipDir
		case entry.IsDir() && name != "." && (entry.Name() == "node_modules" || strings.HasPrefix(entry.Name(), ".")):
			return fs.SkipDir
		case entry.Type().IsRegular():
			files = append(files, path.Join(dir, name))
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

// filesAt returns the file with a name, or the files below the directory with that name.
func filesAt(fsys fs.FS, name string) []string {
	if info, err := statLocal(fsys, name); err != nil || !info.IsDir() {
		return []string{name}
	}
	return filesBelow(fsys, name)
}

func statLocal(fsys fs.FS, name string) (fs.FileInfo, error) {
	if !fs.ValidPath(name) {
		return nil, fs.ErrInvalid
	}
	return fs.Stat(fsys, name)
}

// noToken returns an error if a file of settings has a token. The hint says where it belongs.
func noToken(fsys fs.FS, name string, token *regexp.Regexp, hint string) error {
	data, err := projectfile.ReadOptional(fsys, name)
	if err != nil {
		return err
	}
	at := token.FindIndex(data)
	if at == nil {
		return nil
	}
	line := 1 + strings.Count(string(data[:at[0]]), "\n")
	return projectfile.Text{Name: name}.At(line, 0, hint, "it holds a token, which must not get into an image")
}
