package testmirror

import (
	"path/filepath"
	"strings"
)

// channel is what stands at a path of conda.anaconda.org.
func (m *Mirror) channel(path string) (file, error) {
	rest, ok := strings.CutPrefix(path, "/conda-forge/")
	if !ok {
		return file{}, absent("only the channel conda-forge is stood in for")
	}
	dir, _, _ := strings.Cut(rest, "/")
	if dir != condaSubdir() && dir != "noarch" {
		return file{}, absent("only packages of %s are stood in for", condaSubdir())
	}
	f, err := fileBelow(filepath.Join(m.debian, "conda"), "/"+rest)
	if strings.HasSuffix(path, ".json") {
		f.mimeType = "application/json"
	}
	return f, err
}
