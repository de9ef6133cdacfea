package runtimefile

import (
	"errors"
	"io/fs"
	"os"

	"github.com/rtbuild/rtbuild/internal/projectfile"
	"github.com/rtbuild/rtbuild/tags/contextfs"
)

// ReadRuntime reads the runtime file that the user names. Its errors are those of [projectfile.ReadFile].
func ReadRuntime(fsys fs.FS, name string) ([]byte, error) {
	data, err := projectfile.ReadFile(fsys, name, projectfile.ManifestLimit)
	var fault *projectfile.Error
	if projectfile.Absent(err) && errors.As(err, &fault) {
		fault.Hint = "name the runtime file with -f, or write a " + Name
	}
	return data, err
}

// ReadNamed reads a runtime file anywhere on this machine. Its errors are those of [projectfile.ReadFile].
func ReadNamed(name string) ([]byte, error) { return ReadRuntime(anywhere{}, name) }

// anywhere is this machine's file system. Names may be relative to the working directory.
type anywhere struct{}

// Open implements fs.FS.
func (a anywhere) Open(name string) (fs.File, error) {
	return contextfs.OpenRegular(name, os.Stat, func(flags int) (*os.File, error) { return os.OpenFile(name, flags, 0) })
}

// Stat implements fs.StatFS.
func (anywhere) Stat(name string) (fs.FileInfo, error) { return os.Stat(name) }
