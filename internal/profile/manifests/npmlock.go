package manifests

import (
	"encoding/json"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/rtbuild/rtbuild/internal/projectfile"
)

// NPMLocalFiles returns the files of the project that npm's lock file names by path, sorted: the archives of "file:" dependencies, and the
// manifests of linked directories. It leaves out what the project does not have, and finds nothing in a file that is no lock file: npm
// says what is wrong with it. Lock files of version 1 have no "packages", so nothing is found in them.
func NPMLocalFiles(fsys fs.FS, lock string) []string {
	data, _ := projectfile.ReadFile(fsys, lock, projectfile.LockLimit) // whoever hashes it reports that it cannot be read
	var content struct{ Packages map[string]json.RawMessage }
	_ = json.Unmarshal(data, &content) // see above
	var files []string
	for _, raw := range content.Packages {
		var entry struct {
			Resolved string
			Link     bool
		}
		if json.Unmarshal(raw, &entry) != nil {
			continue
		}
		file, isFile := strings.CutPrefix(entry.Resolved, "file:")
		if entry.Link {
			file = path.Join(entry.Resolved, PackageJSON)
		}
		file = path.Clean(file)
		if (isFile || entry.Link) && fs.ValidPath(file) && projectfile.Exists(fsys, file) {
			files = append(files, file)
		}
	}
	slices.Sort(files)
	return slices.Compact(files)
}
