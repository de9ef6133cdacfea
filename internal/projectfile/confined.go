package projectfile

import (
	"fmt"

	"github.com/rtbuild/rtbuild/tags/contextfs"
)

// Confined returns the file system of a project's directory. The project is not trusted: no link leads out of it.
func Confined(dir string) (*contextfs.FS, error) {
	files, err := contextfs.New(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the context: %w", err)
	}
	return files, nil
}
