package testmirror

import (
	"path/filepath"
	"strings"
)

// channel returns the file at a path of conda.anaconda.org.
func (m *Mirror) channel(path string) (file, error) {
	rest, ok := strings.CutPrefix(path, "/conda-forge/")
	if !ok {
		return file{}, absent("there is a stand-in only for the channel conda-forge")
	}
	dir, _, _ := strings.Cut(rest, "/")
	if dir != condaSubdir() && dir != "noarch" {
		return file{}, absent("there are stand-ins only for packages of %s", condaSubdir())
	}
	f, err := fileBelow(filepath.Join(m.debian, "conda"), "/"+rest)
	if strings.HasSuffix(path, ".json") {
		f.mimeType = "application/json"
	}
	return f, err
}
