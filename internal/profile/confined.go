package profile

import (
	"fmt"
	"io/fs"
	"os"

	"github.com/rtbuild/rtbuild/tags/contextfs"
)

// Confined gives the file system of a project's directory, which is read as a stranger's.
func Confined(dir string) (*contextfs.FS, error) {
	files, err := contextfs.New(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the context: %w", err)
	}
	return files, nil
}

// anywhere is the machine's file system, by the names that it has in the process's directory.
type anywhere struct{}

// Open implements fs.FS.
func (a anywhere) Open(name string) (fs.File, error) {
	return contextfs.OpenRegular(name, os.Stat, func(flags int) (*os.File, error) { return os.OpenFile(name, flags, 0) })
}

// Stat implements fs.StatFS.
func (anywhere) Stat(name string) (fs.FileInfo, error) { return os.Stat(name) }

// ReadNamed reads a runtime file that the user names and that may lie anywhere. Its errors are those of ReadFile.
func ReadNamed(name string) ([]byte, error) { return ReadRuntime(anywhere{}, name) }
