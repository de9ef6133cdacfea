package profile

import (
	"io/fs"

	"github.com/rtbuild/rtbuild/internal/profile/manifests"
)

// WithoutWheel returns which packages of the lock file have no wheel for an architecture of Linux, whichever Python the image has of those
// that the project accepts. It reads the lock file. Lock files that do not say it give nothing.
func (r *Runtime) WithoutWheel(fsys fs.FS, architecture string) (manifests.WithoutWheel, error) {
	if !definitionOf(r.Profile).projects {
		return manifests.WithoutWheel{}, nil
	}
	root, err := r.firstProject(fsys)
	if err != nil {
		return manifests.WithoutWheel{}, err
	}
	lines := manifests.AcceptedLines(r.Interpreter.Version, r.PythonRange)
	return manifests.PythonWithoutWheel(fsys, r.Dependencies.Manager, architecture, lines, root, r.choice())
}
